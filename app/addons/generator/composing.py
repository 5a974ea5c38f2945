"""The package of what was decided: conf files, metadata, README."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.addons.generator.extractions import Fields
from app.addons.generator.settings.identity import Identity
from app.addons.generator.settings.plan import Extract, Transform, distinct_names
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
    names = _transform_names(identity, fields)
    props = {**index_time, **_search_time(fields, names), **dict(meaning.props)}
    files = {
        "default/app.conf": app_conf(*named),
        "default/props.conf": render_conf([Stanza(identity.sourcetype, props)]).encode(),
        "metadata/default.meta": default_meta(),
        "app.manifest": app_manifest(*named),
        "README.md": readme.encode(),
        **meaning.lookups,
    }
    stanzas = {
        "transforms": [Stanza(name, dict(transform.settings)) for transform, name in names.items()],
        "eventtypes": [Stanza(name, settings) for name, settings in sorted(meaning.eventtypes.items())],
        "tags": [Stanza(name, settings) for name, settings in sorted(meaning.tags.items())],
    }
    files |= {f"default/{conf}.conf": render_conf(found).encode() for conf, found in stanzas.items() if found}
    return Package(identity.name, dict(sorted(files.items())))


def _search_time(fields: Fields, names: Mapping[Transform, str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    extracts: list[Extract] = [] if fields.header is None else [*fields.header.extracts]
    for extraction in fields.extractions:
        settings.update({key: value for key, value in extraction.props.items() if key not in settings})
        extracts += extraction.extracts
    settings.setdefault("KV_MODE", "none")
    drops = [names[each] for extraction in fields.extractions for each in extraction.drops]
    reports = [names[each] for extraction in fields.extractions for each in extraction.reports]
    if drops:
        settings["TRANSFORMS-drop"] = ", ".join(dict.fromkeys(drops))
    settings.update(_numbered(extracts))
    if reports:
        settings["REPORT-fields"] = ", ".join(dict.fromkeys(reports))
    return settings


def _transform_names(identity: Identity, fields: Fields) -> dict[Transform, str]:
    """The stanza of each transform: all apps of a Splunk share these names, so the sourcetype stands before.

    Two classes of bodies may use a label for other settings (pairs behind a header, pairs without): each gets a name.
    """
    prefix = "".join(character if character.isalnum() else "_" for character in identity.sourcetype)
    names: dict[Transform, str] = {}
    for extraction in fields.extractions:
        for transform in (*extraction.drops, *extraction.reports):
            names.setdefault(transform, "")
    distinct = distinct_names(f"{prefix}_{transform.label}" for transform in names)
    return dict(zip(names, distinct, strict=True))


def _numbered(extracts: Sequence[Extract]) -> dict[str, str]:
    """EXTRACT settings whose names sort as they stand: Splunk runs them in the ASCII order of their names."""
    width = max(2, len(str(FIRST_EXTRACT + len(extracts))))
    return {
        f"EXTRACT-{number:0{width}d}_{each.label}": each.pattern + (f" in {each.source}" if each.source else "")
        for number, each in enumerate(extracts, start=FIRST_EXTRACT)
    }
