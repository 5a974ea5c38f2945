"""What says what the package is: app.conf, default.meta, app.manifest, README, and whether they agree."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from app.addons.lint.documents import Document, LintedPackage, Setting, stanza_location
from app.addons.lint.findings import LintFinding, Location, found
from app.addons.package.conf import MAX_CONF_BYTES, Stanza
from app.addons.package.names import is_addon_name, is_version
from app.addons.replay.settings.values import switch

APP_CONF: Final = "default/app.conf"
DEFAULT_META: Final = "metadata/default.meta"
MANIFEST: Final = "app.manifest"
_NAMES: Final = (("package", "id"), ("id", "name"))
_VERSIONS: Final = (("launcher", "version"), ("id", "version"))
_EXPORTED: Final = ("props", "transforms", "eventtypes", "tags", "lookups")
_NEEDED: Final = (("ui", "label"), ("launcher", "version"), ("package", "id"))
_SCHEMA: Final = "2."
_WRITERS: Final = re.compile(r"\bwrite\s*:\s*\[\s*[^\s\]*]")
"""splunk-appinspect, check_meta_default_write_access: at least one role, and not every one (`*`)."""


def missing_files(linted: LintedPackage) -> Iterator[LintFinding]:
    """Files that every add-on needs."""
    files = linted.package.files
    needed = ((APP_CONF, "app-conf-missing"), (DEFAULT_META, "meta-missing"), (MANIFEST, "manifest-missing"))
    for path, code in needed:
        if path not in files:
            yield found(code, Location(path), f"The package has no {path}.")
    if not any(path.casefold().startswith("readme") for path in files):
        yield found("readme-missing", Location("README.md"), "The package has no README.")


def app_names(linted: LintedPackage) -> Iterator[LintFinding]:
    """The folder's name, and names in app.conf and app.manifest that differ from it."""
    name = linted.package.name
    if not is_addon_name(name):
        yield found("name-invalid", Location(APP_CONF), f"Splunk takes no app of the name {name[:80]!r}.")
    for setting in _app_settings(linted, _NAMES):
        if setting.value != name:
            message = f"[{setting.stanza.name}] {setting.key} is {setting.value[:80]}, the folder is {name[:80]}."
            yield found("name-disagrees", setting.location, message)
    named = _info_id(linted).get("name")
    if isinstance(named, str) and named != name:
        message = f"info.id.name is {named[:80]}, the folder is {name[:80]}."
        yield found("name-disagrees", Location(MANIFEST), message)


def versions(linted: LintedPackage) -> Iterator[LintFinding]:
    """Versions that are none, or differ among the files."""
    stated = [(setting.location, setting.value) for setting in _app_settings(linted, _VERSIONS)]
    of_manifest = _info_id(linted).get("version")
    if isinstance(of_manifest, str):
        stated.append((Location(MANIFEST), of_manifest))
    for place, version in stated:
        if not is_version(version):
            yield found("version-invalid", place, f"{version[:80]!r} is no semantic version.")
        elif version != stated[0][1]:
            message = f"The version is {version[:80]}, in {stated[0][0].path} {stated[0][1][:80]}."
            yield found("version-disagrees", place, message)


def app_conf_contents(linted: LintedPackage) -> Iterator[LintFinding]:
    """Settings of app.conf that are missing or say what is not so."""
    merged = linted.merged("app")
    document = next((each for each in linted.documents if each.path == APP_CONF), None)
    if document is None:
        return
    for stanza, key in _NEEDED:
        if not merged.get(stanza, Stanza(stanza)).settings.get(key):
            yield found("app-conf-incomplete", Location(APP_CONF, None, stanza, key), f"[{stanza}] has no {key}.")
    for stanza, key, code, message in (
        ("install", "is_configured", "app-is-configured", "is_configured is true."),
        ("ui", "is_visible", "app-visible", "The add-on is visible and has no view."),
    ):
        views = any(path.startswith("default/data/ui/views/") for path in linted.package.files)
        settings = merged.get(stanza, Stanza(stanza)).settings
        if switch(settings, key, default=False) and not (code == "app-visible" and views):
            place = next((each.location for each in _app_settings(linted, ((stanza, key),))), Location(APP_CONF))
            yield found(code, place, message)


def exports(linted: LintedPackage) -> Iterator[LintFinding]:
    """A default.meta that keeps knowledge objects to the add-on itself, or does not say who may write."""
    document = next((each for each in linted.documents if each.path == DEFAULT_META), None)
    if document is None:
        return
    stanzas = {stanza.name.strip(): stanza for stanza in document.conf.stanzas}
    general = stanzas.get("", stanzas.get("default"))
    if not _WRITERS.search(general.settings.get("access", "") if general else ""):
        place = stanza_location(document, general) if general else Location(DEFAULT_META)
        yield found("meta-without-writers", place, "No general stanza [] names the roles that may write.")
    present = {each.kind for each in linted.documents} | {path.partition("/")[0] for path in linted.package.files}
    kept = [kind for kind in _EXPORTED if kind in present and not _exported(stanzas.get(kind), general)]
    if kept:
        place = stanza_location(document, general) if general else Location(DEFAULT_META)
        yield found("meta-not-exported", place, f"Not exported to all apps: {', '.join(kept)}.")


def _exported(own: Stanza | None, general: Stanza | None) -> bool:
    stated = (own.settings.get("export") if own else None) or (general.settings.get("export") if general else None)
    return (stated or "").casefold() == "system"


def manifest_shape(linted: LintedPackage) -> Iterator[LintFinding]:
    """An app.manifest that is no manifest of schema 2."""
    if MANIFEST not in linted.package.files:
        return
    manifest = _manifest(linted)
    if manifest is None:
        yield found("manifest-invalid", Location(MANIFEST), "The file is no JSON object.")
        return
    schema = manifest.get("schemaVersion")
    if not isinstance(schema, str) or not schema.startswith(_SCHEMA):
        yield found("manifest-invalid", Location(MANIFEST), "schemaVersion is not 2.0.0.")
    identity = _info_id(linted)
    for key in ("name", "version"):
        if not isinstance(identity.get(key), str):
            yield found("manifest-invalid", Location(MANIFEST), f"info.id.{key} is missing or no text.")


def _app_settings(linted: LintedPackage, wanted: tuple[tuple[str, str], ...]) -> Iterator[Setting]:
    documents: Iterator[Document] = linted.of_kind("app")
    for document in documents:
        for stanza in document.conf.stanzas:
            for key, value in stanza.settings.items():
                if (stanza.name, key) in wanted:
                    yield Setting(document, stanza, key, value)


def _manifest(linted: LintedPackage) -> dict[str, Any] | None:
    text = linted.package.text(MANIFEST)
    if text is None or len(text) > MAX_CONF_BYTES:
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _info_id(linted: LintedPackage) -> dict[str, Any]:
    """`info.id` of the manifest; empty where there is none."""
    info = (_manifest(linted) or {}).get("info")
    identity = info.get("id") if isinstance(info, dict) else None
    return identity if isinstance(identity, dict) else {}
