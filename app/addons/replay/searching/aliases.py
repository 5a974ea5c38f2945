"""FIELDALIAS: other names of extracted fields (props.conf.spec, FIELDALIAS-<class>).

All aliases see the fields as they were extracted, so an alias of an alias stays empty. AS overwrites, and removes the
alias where the event has no such field; ASNEW does neither.
"""

import re
from collections import Counter
from dataclasses import dataclass

from app.addons.replay.searching.fields import EventFields
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings

_PAIR = re.compile(r'("[^"]+"|(?<![^\s",])[^\s",]++)\s++(ASNEW|AS)\s+("[^"]+"|[^\s",]+)', re.IGNORECASE)


@dataclass(frozen=True)
class FieldAlias:
    """One alias; `keeps` with ASNEW."""

    original: str
    alias: str
    keeps: bool


def field_aliases(settings: Settings, findings: Findings) -> list[FieldAlias]:
    """The aliases in ASCII order of their classes."""
    found: list[FieldAlias] = []
    for key, value in settings.classes("FIELDALIAS-"):
        pairs = _PAIR.findall(value)
        if not pairs:
            findings.add(f"{settings.named(key)}: no `field AS alias`: {value[:80]}")
        found += [FieldAlias(a.strip('"'), b.strip('"'), keyword.upper() == "ASNEW") for a, keyword, b in pairs]
    for alias, count in Counter(each.alias for each in found if not each.keeps).items():
        if count > 1:
            findings.add(f"FIELDALIAS: {count} fields have the alias {alias[:80]}; Splunk takes one of them alone")
    return found


def alias_fields(aliases: list[FieldAlias], fields: EventFields) -> None:
    """Give the fields their further names."""
    before = dict(fields.values)
    for each in aliases:
        values = before.get(each.original)
        if each.keeps and (values is None or each.alias in fields.values):
            continue
        fields.put(each.alias, values or ())
