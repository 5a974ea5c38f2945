"""Keys that a conf file does not have, and values that a key cannot have."""

import codecs
import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from app.addons.lint.documents import LintedPackage, Setting
from app.addons.lint.findings import LintFinding, found
from app.addons.lint.keys.kinds import KeyTable, Kind
from app.addons.lint.keys.others import APP, COLLECTIONS, EVENTTYPES, FIELDS, MACROS, META
from app.addons.lint.keys.props import PROPS
from app.addons.lint.keys.transforms import TRANSFORMS
from app.addons.replay.settings.values import is_number, is_switch
from app.addons.timestamps.zones import zone_of_setting

TABLES: Final[Mapping[str, KeyTable]] = {
    "props": PROPS,
    "transforms": TRANSFORMS,
    "app": APP,
    "eventtypes": EVENTTYPES,
    "collections": COLLECTIONS,
    "macros": MACROS,
    "fields": FIELDS,
    "meta": META,
}
_NEARNESS: Final = 0.8
"""difflib's ratio from which a key is a misspelling of another: one letter of five."""
_MAX_COMPARED: Final = 60
"""Characters; no key of Splunk is longer."""
_SPLUNK_CHARSETS: Final = frozenset({"auto", "utf-16", "utf-32", "ucs-2", "ucs-4"})
"""props.conf.spec, CHARSET: AUTO lets Splunk guess; the others are ICU's names."""


def unknown_keys(linted: LintedPackage) -> Iterator[LintFinding]:
    """Keys that no table has, with the nearest name."""
    for kind, table in TABLES.items():
        for setting in linted.settings(kind):
            if table.knows(setting.key) or setting.stanza.name == "accepted_keys":
                continue
            near = _nearest(setting.key, table)
            if near is not None:
                message = f"{kind}.conf has no key {setting.key[:80]}; {near} is meant?"
                yield found("misspelt-key", setting.location, message)
                continue
            elsewhere = [other for other, each in TABLES.items() if setting.key in each.exact]
            hint = f"; the key belongs into {elsewhere[0]}.conf" if elsewhere else ""
            yield found("unknown-key", setting.location, f"{kind}.conf has no key {setting.key[:80]}{hint}.")


def _nearest(key: str, table: KeyTable) -> str | None:
    if len(key) > _MAX_COMPARED:
        return None
    names = {_plain(name): name for name in table.exact}
    if _plain(key) in names:
        return names[_plain(key)]
    stem, hyphen, rest = key.partition("-")
    if hyphen:
        stems = {_plain(prefix.rstrip("-")): prefix for prefix in table.prefixes if prefix.endswith("-")}
        near = difflib.get_close_matches(_plain(stem), stems, n=1, cutoff=_NEARNESS)
        return f"{stems[near[0]]}{rest or '<class>'}" if near else None
    near = difflib.get_close_matches(_plain(key), names, n=1, cutoff=_NEARNESS)
    return names[near[0]] if near else None


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def impossible_values(linted: LintedPackage) -> Iterator[LintFinding]:
    """Values that their key cannot have; an empty value takes the setting back and is left alone."""
    for kind, table in TABLES.items():
        for setting in linted.settings(kind):
            if setting.value:
                yield from _value_faults(setting, table)


def _value_faults(setting: Setting, table: KeyTable) -> Iterator[LintFinding]:
    key, value, kind = setting.key, setting.value, table.exact.get(setting.key, Kind.ANY)
    choices = table.choices.get(key)
    if choices is not None and value.casefold() not in choices:
        message = f"{key} = {value[:80]}; possible are {', '.join(choices)}."
        yield found("unknown-value", setting.location, message)
    elif kind is Kind.BOOLEAN and not is_switch(value):
        yield found("not-a-boolean", setting.location, f"{key} = {value[:80]} is neither true nor false.")
    elif kind is Kind.INTEGER and not is_number(value):
        yield found("not-an-integer", setting.location, f"{key} = {value[:80]} is no whole number.")
    elif kind is Kind.CHARSET and not _is_charset(value):
        yield found("unknown-charset", setting.location, f"No character set has the name {value[:80]}.")
    elif kind is Kind.TIME_ZONE and zone_of_setting(value) is None:
        message = f"{value[:80]} names no time zone of the IANA database and no offset."
        yield found("unknown-time-zone", setting.location, message)


def _is_charset(value: str) -> bool:
    if value.casefold() in _SPLUNK_CHARSETS:
        return True
    try:
        return codecs.lookup(value).name not in ("undefined", "idna", "punycode") if value.isascii() else False
    except (LookupError, ValueError):
        return False
