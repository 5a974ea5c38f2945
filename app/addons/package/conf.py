"""Conf files: read as Splunk reads them, written so that they are read back the same.

The grammar is Splunk's (Admin manual, "How to edit a configuration file"): `[stanza]`, `key = value`, `#` only at the
start of a line, a backslash at the end of a line goes on with the next one. What stands before the first stanza
belongs to `default`. A stanza that stands twice is one stanza; of a key that stands twice the last value holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.addons.package.files import Package

MAX_CONF_BYTES = 4 * 1024 * 1024
MAX_STANZAS = 10_000
"""A conf file beyond these is refused by whoever reads packages from outside."""
MAX_FAULTS = 1_000
"""Of one conf file; the lines behind are read all the same and their faults are not kept."""


@dataclass(frozen=True)
class ConfFault:
    """One line that Splunk would skip or read otherwise than was meant; lines count from 1."""

    line: int
    code: str
    message: str


@dataclass(frozen=True)
class Stanza:
    """One stanza; `lines` says where each key stands last, `line` where the stanza begins first."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    line: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ConfFile:
    """The stanzas in the order of their first appearance, and the faults of single lines."""

    stanzas: tuple[Stanza, ...] = ()
    faults: tuple[ConfFault, ...] = ()

    def stanza(self, name: str) -> Mapping[str, str]:
        """The stanza's settings; none where it is missing."""
        return next((each.settings for each in self.stanzas if each.name == name), {})


def parse_conf(text: str) -> ConfFile:
    """The conf file of that text. Nothing raises: what cannot be read is a fault of its line."""
    stanzas: dict[str, _Open] = {}
    faults = _Faults()
    current: _Open | None = None
    for number, line in _logical_lines(text):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("["):
            name = stripped[1 : stripped.rfind("]")] if "]" in stripped else stripped[1:]
            if not stripped.endswith("]"):
                faults.add(
                    ConfFault(number, "stanza-not-closed", f"The stanza's line does not end in ]: {stripped[:80]}")
                )
            if name in stanzas:
                faults.add(
                    ConfFault(
                        number,
                        "duplicate-stanza",
                        f"The stanza [{name[:80]}] stands in line {stanzas[name].line} already.",
                    )
                )
            current = stanzas.setdefault(name, _Open(number))
            continue
        key, equals, value = stripped.partition("=")
        if not equals:
            faults.add(ConfFault(number, "not-a-setting", f"Neither a stanza nor `key = value`: {stripped[:80]}"))
            continue
        if current is None:
            current = stanzas.setdefault("default", _Open(number))
        if key.strip() in current.settings:
            faults.add(
                ConfFault(
                    number, "duplicate-key", f"{key.strip()[:80]} stands in line {current.lines[key.strip()]} already."
                )
            )
        current.settings[key.strip()] = value.strip()
        current.lines[key.strip()] = number
    return ConfFile(
        tuple(Stanza(name, each.settings, each.line, each.lines) for name, each in stanzas.items()), tuple(faults.kept)
    )


class _Faults:
    """The first faults of a conf file."""

    def __init__(self) -> None:
        self.kept: list[ConfFault] = []

    def add(self, fault: ConfFault) -> None:
        """Keep the fault, unless there are too many."""
        if len(self.kept) < MAX_FAULTS:
            self.kept.append(fault)


class _Open:
    """A stanza while its lines are read."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.settings: dict[str, str] = {}
        self.lines: dict[str, int] = {}


def _logical_lines(text: str) -> Iterable[tuple[int, str]]:
    """Lines with their continuations joined by a line feed, each with the number of its first line."""
    held: list[str] = []
    first = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        first = first if held else number
        if line.endswith("\\") and (held or not line.lstrip().startswith("#")):
            held.append(line[:-1])
            continue
        held.append(line)
        yield first, "\n".join(held)
        held = []
    if held:
        yield first, "\n".join(held)


def render_conf(stanzas: Sequence[Stanza], heading: Sequence[str] = ()) -> str:
    """The conf file's text, which `parse_conf` reads back to the same stanzas.

    Raises ValueError for a name or value that no conf file can hold: a line feed without its continuation, a value
    that ends in a backslash.
    """
    parts = ["".join(f"# {line}\n" for line in heading)] if heading else []
    for stanza in stanzas:
        lines = [f"[{stanza.name}]\n"]
        for key, value in stanza.settings.items():
            if (
                value != value.strip()
                or value.endswith("\\")
                or "\r" in value
                or "=" in key
                or key != key.strip()
                or not key
            ):
                raise ValueError(f"no conf file can hold {key!r} = {value!r}")
            lines.append(f"{key} = {value}".rstrip().replace("\n", "\\\n") + "\n")
        parts.append("".join(lines))
    return "\n".join(parts)


def conf_settings(package: Package, name: str) -> ConfFile:
    """The conf file of that name (`props`), `default/` overlaid by `local/` as Splunk does; empty where neither is."""
    layers = [parse_conf(package.text(f"{folder}/{name}.conf") or "") for folder in ("default", "local")]
    merged = overlaid(stanza for layer in layers for stanza in layer.stanzas)
    return ConfFile(tuple(merged.values()), tuple(fault for layer in layers for fault in layer.faults))


def overlaid(stanzas: Iterable[Stanza]) -> dict[str, Stanza]:
    """The stanzas by name, of one that stands in several layers the later layer's settings over the earlier's."""
    merged: dict[str, Stanza] = {}
    for stanza in stanzas:
        below = merged.get(stanza.name, Stanza(stanza.name, line=stanza.line))
        merged[stanza.name] = Stanza(
            stanza.name, {**below.settings, **stanza.settings}, below.line, {**below.lines, **stanza.lines}
        )
    return merged
