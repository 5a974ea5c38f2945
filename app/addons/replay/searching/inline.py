"""EXTRACT: expressions that stand in props.conf (props.conf.spec, EXTRACT-<class>).

They run in ASCII order of their class names, each with `(?ms)` before it, on the raw text or on a field that was
indexed or extracted by an EXTRACT before (`<regex> in <field>`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.addons.regexes import RegexMatch
from app.addons.replay.formats.field_names import cleaned_name
from app.addons.replay.searching.fields import EventFields
from app.addons.replay.settings.findings import Findings, SettingPattern
from app.addons.replay.settings.stanzas import Settings

PREFIX = "(?ms)"
"""What Splunk writes before the expression of an EXTRACT."""
_IN_FIELD = re.compile(r"(?<=\S)\s++in\s++([A-Za-z0-9_]+)\s*\Z")


@dataclass(frozen=True)
class InlineExtraction:
    """One EXTRACT; `source` is the field whose values are read, empty for the raw text."""

    pattern: SettingPattern
    expression: str
    source: str = ""


def inline_extractions(settings: Settings, findings: Findings) -> list[InlineExtraction]:
    """The EXTRACTs in their order; those that do not compile are problems and left out."""
    found = []
    for key, value in settings.classes("EXTRACT-"):
        expression, source = split_source(value)
        pattern = findings.compile(settings.named(key), PREFIX + expression)
        if pattern is None:
            continue
        if not pattern.regex.names:
            findings.add(f"{pattern.setting}: the expression has no named group and extracts nothing")
            continue
        found.append(InlineExtraction(pattern, expression, source))
    return found


def split_source(value: str) -> tuple[str, str]:
    """The expression and the field that it reads; the field is empty where the value names none."""
    named = _IN_FIELD.search(value)
    return (value, "") if named is None else (value[: named.start()], named.group(1))


def extract_inline(
    extractions: list[InlineExtraction], raw: str, defaults: Mapping[str, str], fields: EventFields, findings: Findings
) -> None:
    """Add the named groups of the first match of each expression to the fields."""
    for extraction in extractions:
        for text in texts_of(extraction.source, raw, defaults, fields):
            match = findings.search(extraction.pattern, text)
            if match is not None:
                keep_groups(match, fields)


def texts_of(source: str, raw: str, defaults: Mapping[str, str], fields: EventFields) -> tuple[str, ...]:
    """The texts that an extraction reads: the raw text, the field's values, or host, source or source type."""
    if source in {"", "_raw"}:
        return (raw,)
    if source in fields.values:
        return fields.values[source]
    return (defaults[source],) if defaults.get(source) else ()


def keep_groups(match: RegexMatch, fields: EventFields) -> None:
    """Add the named groups that have a value."""
    for name, value in match.named.items():
        if value:
            fields.extract(cleaned_name(name), value)
