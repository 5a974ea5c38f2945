"""The entries of a dump, as `pg_restore --list` shows them: which of them a restore takes, and which it leaves out.

A dump of a database that is shared, or managed by somebody, also holds what Spyne neither makes nor needs: triggers on
events, subscriptions, languages. Who restores runs as the owner; what acts by itself there is not brought along.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

TAKEN: Final = frozenset(
    {
        "ACL",
        "CHECK CONSTRAINT",
        "COMMENT",
        "CONSTRAINT",
        "DEFAULT",
        "DEFAULT ACL",
        "DOMAIN",
        "ENCODING",
        "FK CONSTRAINT",
        "FOREIGN TABLE",
        "FUNCTION",
        "INDEX",
        "INDEX ATTACH",
        "MATERIALIZED VIEW",
        "MATERIALIZED VIEW DATA",
        "POLICY",
        "PROCEDURE",
        "ROW SECURITY",
        "RULE",
        "SCHEMA",
        "SEARCHPATH",
        "SEQUENCE",
        "SEQUENCE OWNED BY",
        "SEQUENCE SET",
        "STATISTICS",
        "STATISTICS DATA",
        "STDSTRINGS",
        "TABLE",
        "TABLE ATTACH",
        "TABLE DATA",
        "TRIGGER",
        "TYPE",
        "VIEW",
    }
)
"""Kinds of what Spyne makes and of what adopted relations consist of."""
OF_SUPERUSERS: Final = frozenset({"EXTENSION", "SERVER", "FOREIGN DATA WRAPPER"})
"""Kinds on which adopted relations may stand; only a superuser makes them in general."""
_KNOWN: Final = sorted(TAKEN | OF_SUPERUSERS, key=len, reverse=True)
_LINE: Final = re.compile(rb"(\d+); (\d+) (\d+) (.+)", re.DOTALL)
_SYSTEM: Final = "pg_catalog"
"""Who may call PostgreSQL's own functions is a superuser's to say; another owner's installation has no such walls, as
`spyne verify` notes."""
_ON_SUPERUSERS: Final = ("EXTENSION ", "SERVER ", "FOREIGN SERVER ", "FOREIGN DATA WRAPPER ")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: the line of the list, the kind in PostgreSQL's words, the schema ("-" for none), the rest."""

    line: bytes
    kind: str
    schema: str
    rest: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The entries of a dump, sorted by what becomes of them."""

    taken: list[Entry] = field(default_factory=list)
    defaults: list[Entry] = field(default_factory=list)
    """Privileges by default, which are restored as the restoring owner's."""
    left_out: list[str] = field(default_factory=list)
    """Kind and name of what is not restored."""


class BadListError(ValueError):
    """The list has a line that is no entry."""


def choose(listed: Iterable[bytes], *, superuser: bool) -> Chosen:
    """What becomes of the entries of a list. Raises `BadListError`."""
    chosen = Chosen()
    for line in listed:
        if not line.strip() or line.startswith(b";"):
            continue
        entry = _entry(line)
        if entry is None:
            chosen.left_out.append(_shown(line))
        elif not _fits(entry, superuser=superuser):
            if entry.schema != _SYSTEM:
                chosen.left_out.append(f"{entry.kind} {entry.rest}")
        elif entry.kind == "DEFAULT ACL":
            chosen.defaults.append(entry)
        else:
            chosen.taken.append(entry)
    return chosen


def lines(entries: Sequence[Entry]) -> bytes:
    """The list for `pg_restore --use-list`."""
    return b"".join(entry.line + b"\n" for entry in entries)


def _entry(line: bytes) -> Entry | None:
    """The entry of a line; None when its kind is not one that a restore takes."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadListError("the list of the dump is not one of PostgreSQL's")
    said = found[4].decode(errors="replace")
    for kind in _KNOWN:
        if said.startswith(f"{kind} "):
            schema, _, rest = said.removeprefix(f"{kind} ").partition(" ")
            return Entry(line, kind, schema, rest)
    return None


def _shown(line: bytes) -> str:
    found = _LINE.fullmatch(line)
    assert found is not None
    return found[4].decode(errors="replace")


def _fits(entry: Entry, *, superuser: bool) -> bool:
    """Whether the restoring owner can make the entry, and that on which it says something is made too."""
    made = ("SCHEMA ", *(_ON_SUPERUSERS if superuser else ()))
    if entry.schema == "-" and entry.kind in {"ACL", "COMMENT"}:
        return entry.rest.startswith(made)
    return superuser or (entry.kind not in OF_SUPERUSERS and entry.schema != _SYSTEM)
