"""The package of what was decided: conf files, metadata, README."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.addons.generator.extractions import Fields
from app.addons.generator.plan import Extract, Transform
from app.addons.package.conf import Stanza, render_conf
from app.addons.package.files import Package
from app.addons.package.manifest import app_conf, app_manifest, default_meta

TRUNCATE_STEP = 10_000
"""props.conf.spec: events are cut after 10,000 bytes by default."""
FIRST_EXTRACT = 10


@dataclass(frozen=True)
class Identity:
    """What the add-on is called."""

    name: str
    title: str
    sourcetype: str
    version: str = "1.0.0"
    description: str = ""
    author: str = "Spyne"
    product: str = ""


@dataclass(frozen=True)
class IndexTime:
    """Settings of props.conf that hold where events are made: breaking, encoding, time."""

    settings: Mapping[str, str]


def compose(
    identity: Identity,
    index_time: Mapping[str, str],
    fields: Fields,
    extras: Mapping[str, Mapping[str, str]],
    readme: str,
) -> Package:
    """The package. `extras` are what the CIM mapping adds: settings of `props`, and whole files by their path."""
    transforms = _transforms(identity, fields)
    props = {**index_time, **_search_time(identity, fields), **extras.get("props", {})}
    files = {
        "default/app.conf": app_conf(
            identity.name, identity.title, identity.version, identity.description, identity.author
        ),
        "default/props.conf": render_conf([Stanza(identity.sourcetype, props)]).encode(),
        "metadata/default.meta": default_meta(),
        "app.manifest": app_manifest(
            identity.name, identity.title, identity.version, identity.description, identity.author
        ),
        "README.md": readme.encode(),
    }
    if transforms:
        files["default/transforms.conf"] = render_conf(transforms).encode()
    for conf in ("eventtypes", "tags"):
        stanzas = [Stanza(name, _settings(text)) for name, text in sorted(extras.get(conf, {}).items())]
        if stanzas:
            files[f"default/{conf}.conf"] = render_conf(stanzas).encode()
    return Package(identity.name, dict(sorted(files.items())))


def _settings(text: str) -> dict[str, str]:
    """The settings of lines `key = value`."""
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in text.splitlines())}


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
    extracts: list[Extract] = [] if fields.header is None else [fields.header.extract]
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
