"""The three documents that say what a package is: `app.manifest`, `default/app.conf`, `metadata/default.meta`.

All say the same name and version; `app/addons/lint/` holds them against each other. Sources: app.conf.spec and
default.meta.spec of Splunk 10, the JSON schema 2.0.0 of Splunk's packaging toolkit, what splunk-appinspect asks.
"""

import json
import re
import unicodedata
from typing import Final

from app.addons.package.conf import Stanza, render_conf
from app.addons.package.names import is_addon_name, is_version

SCHEMA_VERSION: Final = "2.0.0"
MAX_LABEL_CHARACTERS: Final = 80
MIN_LABEL_CHARACTERS: Final = 5
"""app.conf.spec, `[ui] label`: "recommended length between 5 and 80 characters"."""
MAX_DESCRIPTION_CHARACTERS: Final = 200
"""app.conf.spec, `[launcher] description`."""
MAX_AUTHOR_CHARACTERS: Final = 100
LICENSE_NAME: Final = "Proprietary"
LICENSE_TEXT: Final = "The licence of this package is decided by the organisation that it was made for."
_SPLUNK_FOR: Final = re.compile(r"(?i)^splunk\s+for\b\s*")
"""app.conf.spec, `[ui] label`: must not include the prefix "Splunk For"."""


def app_conf(name: str, title: str, version: str, description: str, author: str) -> bytes:
    """`default/app.conf` of an add-on without views; raises ValueError for a name or version that Splunk refuses."""
    _check(name, version)
    stanzas = (
        Stanza("install", {"is_configured": "0", "state": "enabled", "build": "1"}),
        Stanza("ui", {"is_visible": "0", "label": _label(title, name)}),
        Stanza(
            "launcher",
            {
                "author": one_line(author, MAX_AUTHOR_CHARACTERS) or "unnamed",
                "description": one_line(description, MAX_DESCRIPTION_CHARACTERS) or _label(title, name),
                "version": version,
            },
        ),
        Stanza("package", {"id": name, "check_for_updates": "0"}),
        Stanza("id", {"name": name, "version": version}),
    )
    return render_conf(stanzas).encode()


def default_meta() -> bytes:
    """`metadata/default.meta`: everybody reads, administrators write, knowledge objects hold in every app.

    Without `export = system` extractions, event types and tags hold only where the add-on itself is the app, so that
    no search finds their fields.
    """
    settings = {"access": "read : [ * ], write : [ admin, sc_admin ]", "export": "system"}
    return render_conf((Stanza("", settings),)).encode()


def app_manifest(name: str, title: str, version: str, description: str, author: str) -> bytes:
    """`app.manifest` (JSON); raises ValueError for a name or version that Splunk refuses."""
    _check(name, version)
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "info": {
            "title": _label(title, name),
            "id": {"group": None, "name": name, "version": version},
            "author": [{"name": one_line(author, MAX_AUTHOR_CHARACTERS) or "unnamed", "email": None, "company": None}],
            "releaseDate": None,
            "description": one_line(description, MAX_DESCRIPTION_CHARACTERS) or _label(title, name),
            "classification": {
                "intendedAudience": "IT Professionals",
                "categories": ["Security, Fraud & Compliance", "IT Operations"],
                "developmentStatus": "Production/Stable",
            },
            "commonInformationModels": None,
            "license": {"name": LICENSE_NAME, "text": LICENSE_TEXT, "uri": None},
            "privacyPolicy": {"name": None, "text": None, "uri": None},
            "releaseNotes": {"name": "README", "text": "README.md", "uri": None},
        },
        "dependencies": {},
        "tasks": [],
        "inputGroups": {},
        "incompatibleApps": {},
        "platformRequirements": {"splunk": {"Enterprise": ">=9.0"}},
        "supportedDeployments": ["_standalone", "_distributed", "_search_head_clustering"],
        "targetWorkloads": ["_search_heads", "_indexers", "_forwarders"],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def one_line(text: str, most: int) -> str:
    """The text as a conf value can hold it: one line, no control characters, no backslash at the end, cut to length."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: 8 * most])
    return " ".join(visible.split())[:most].rstrip(" \\")


def _label(title: str, name: str) -> str:
    label = _SPLUNK_FOR.sub("", one_line(title, MAX_LABEL_CHARACTERS))
    return label if len(label) >= MIN_LABEL_CHARACTERS else f"Add-on {name}"[:MAX_LABEL_CHARACTERS]


def _check(name: str, version: str) -> None:
    if not is_addon_name(name):
        raise ValueError(f"Splunk takes no add-on of the name {name!r}")
    if not is_version(version):
        raise ValueError(f"{version!r} is no semantic version, as 1.0.0 is")
