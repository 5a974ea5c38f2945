"""The package of what was decided: conf files, metadata, README."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.addons.generator.extractions import Fields
from app.addons.generator.settings.identity import Identity
from app.addons.generator.settings.plan import Extract, Transform
from app.addons.package.conf import Stanza, render_conf
from app.addons.package.files import Package
from app.addons.package.manifest import app_conf, app_manifest, default_meta

TRUNCATE_STEP = 10_000
"""props.conf.spec: events are cut after 10,000 bytes by default."""
FIRST_EXTRACT = 10


@dataclass(frozen=True)
class Meaning:
    """What fields and events mean: settings of props.conf, stanzas of eventtypes.conf and tags.conf, lookup files."""

    props: tuple[tuple[str, str], ...]
    eventtypes: Mapping[str, Mapping[str, str]]
    tags: Mapping[str, Mapping[str, str]]
    lookups: Mapping[str, bytes]


def compose(
    identity: Identity, index_time: Mapping[str, str], fields: Fields, meaning: Meaning, readme: str
) -> Package:
    """The package. `index_time` are the settings that make events of the file and read their time."""
    named = (identity.name, identity.title, identity.version, identity.description, identity.author)
    props = {**index_time, **_search_time(identity, fields), **dict(meaning.props)}
    files = {
        "default/app.conf": app_conf(*named),
        "default/props.conf": render_conf([Stanza(identity.sourcetype, props)]).encode(),
        "metadata/default.meta": default_meta(),
        "app.manifest": app_manifest(*named),
        "README.md": readme.encode(),
        **meaning.lookups,
    }
    stanzas = {
        "transforms": _transforms(identity, fields),
        "eventtypes": [Stanza(name, settings) for name, settings in sorted(meaning.eventtypes.items())],
        "tags": [Stanza(name, settings) for name, settings in sorted(meaning.tags.items())],
    }
    files |= {f"default/{conf}.conf": render_conf(found).encode() for conf, found in stanzas.items() if found}
    return Package(identity.name, dict(sorted(files.items())))


def transform_name(identity: Identity, label: str) -> str:
    """The stanza of transforms.conf: names are shared by all apps of a Splunk, so the sourcetype stands before."""
    prefix = "".join(character if character.isalnum() else "_" for character in identity.sourcetype)
    return f"{prefix}_{label}"


def _transforms(identity: Identity, fields: Fields) -> list[Stanza]:
    found: dict[str, Stanza] = {}
    for extraction in fields.extractions:
        for transform in (*extraction.drops, *extraction.reports):
            name = transform_name(identity, transform.label)
            found.setdefault(name, Stanza(name, transform.settings))
    return list(found.values())


def _search_time(identity: Identity, fields: Fields) -> dict[str, str]:
    settings: dict[str, str] = {}
    extracts: list[Extract] = [] if fields.header is None else [*fields.header.extracts]
    reports: list[Transform] = []
    drops: list[Transform] = []
    for extraction in fields.extractions:
        settings.update({key: value for key, value in extraction.props.items() if key not in settings})
        extracts += extraction.extracts
        reports += extraction.reports
        drops += extraction.drops
    settings.setdefault("KV_MODE", "none")
    if drops:
        settings["TRANSFORMS-drop"] = ", ".join(dict.fromkeys(transform_name(identity, each.label) for each in drops))
    settings.update(_numbered(extracts))
    if reports:
        settings["REPORT-fields"] = ", ".join(dict.fromkeys(transform_name(identity, each.label) for each in reports))
    return settings


def _numbered(extracts: Sequence[Extract]) -> dict[str, str]:
    """EXTRACT settings whose names sort as they stand: Splunk runs them in the ASCII order of their names."""
    width = max(2, len(str(FIRST_EXTRACT + len(extracts))))
    return {
        f"EXTRACT-{number:0{width}d}_{each.label}": each.pattern + (f" in {each.source}" if each.source else "")
        for number, each in enumerate(extracts, start=FIRST_EXTRACT)
    }
