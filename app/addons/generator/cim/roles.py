"""Which of a source's fields has which role: by a name that vendors use and by values that agree with it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from app.addons.generator.cim.mapping import FieldView
from app.addons.generator.cim.synonyms import ROLES, Role, ValueKind, name_endings
from app.addons.generator.shapes.fragments import APPLICATIONS, TRANSPORTS
from app.addons.generator.shapes.profiles import FieldProfile, profile
from app.addons.generator.shapes.recognition import shape_of
from app.addons.generator.shapes.shape import Shape

MAX_EVENTS = 5_000
"""Later events are not looked at."""
MAX_FIELDS = 1_000
MAX_FIELDS_OF_ROLE = 3
"""A role is put together from the first three fields that have the role."""
MAX_PORT = 65_535
_UNQUOTABLE = re.compile(r"[\x00-\x1f'\"|`\\\[\]=]|\A\Z|.{201}")
_AGREEING = 0.8
"""Share of the values that must have the shape of the role."""
PROTOCOL_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "ipv6-icmp"}
"""IANA protocol numbers, those that firewalls log."""

_ADDRESSES = frozenset({Shape.IPV4, Shape.IPV6})
_NUMBERS = frozenset({Shape.INTEGER, Shape.EPOCH})
_NO_NAMES = _NUMBERS | _ADDRESSES | {Shape.HEX, Shape.SIGNED, Shape.DECIMAL}
_PATHS = frozenset({Shape.PATH_UNIX, Shape.PATH_WINDOWS})
_HASHES = frozenset({Shape.HASH_MD5, Shape.HASH_SHA1, Shape.HASH_SHA256, Shape.HASH_SHA512})
_NO_TOKENS = frozenset({Shape.TEXT, Shape.TIMESTAMP})
_STATEMENTS = (
    "select",
    "insert",
    "update",
    "delete",
    "create",
    "drop",
    "alter",
    "grant",
    "call",
    "set",
    "show",
    "begin",
)


def field_views(events: Sequence[Mapping[str, str]]) -> tuple[FieldView, ...]:
    """The fields of the events in the order of their names; of the first 5,000 events and 1,000 fields.

    A name that no expression or search can quote is left out.
    """
    values: dict[str, dict[int, str]] = {}
    for number, event in enumerate(events[:MAX_EVENTS]):
        for name, value in event.items():
            if name in values or (len(values) < MAX_FIELDS and not _UNQUOTABLE.search(name)):
                values.setdefault(name, {})[number] = value
    return tuple(_view(name, values[name]) for name in sorted(values))


def _view(name: str, by_event: Mapping[int, str]) -> FieldView:
    saying = frozenset(n for n, value in by_event.items() if shape_of(value) is not Shape.PLACEHOLDER)
    silent = sorted({value.strip() for number, value in by_event.items() if number not in saying} - {""})
    return FieldView(name, profile(by_event.values()), saying, tuple(silent))


def roles_of(views: Sequence[FieldView]) -> Mapping[str, tuple[FieldView, ...]]:
    """By role the fields that have the role, the likeliest first. A field that never says anything has no role."""
    endings = {view.name: name_endings(view.name) for view in views}
    found: dict[str, tuple[FieldView, ...]] = {}
    for name, role in ROLES.items():
        ranked = sorted(
            (rank, view.name, view)
            for view in views
            if view.events
            and (rank := _rank(role, endings[view.name])) is not None
            and _CHECKS[role.kind](view.profile)
        )
        if ranked:
            found[name] = tuple(_complementing(ranked))
    return found


def _complementing(ranked: Sequence[tuple[tuple[int, int], str, FieldView]]) -> Iterator[FieldView]:
    """The likeliest field, then those that say something where no earlier one does and stand as high in the event."""
    covered: frozenset[int] = frozenset()
    kept = 0
    for (depth, _), _, view in ranked:
        if kept < MAX_FIELDS_OF_ROLE and depth <= ranked[0][0][0] + 1 and not view.events <= covered:
            kept += 1
            covered |= view.events
            yield view


def _rank(role: Role, endings: Sequence[str]) -> tuple[int, int] | None:
    """How far the name is from the likeliest; None where the name is no synonym. Whole names come before ends."""
    ranks = [(depth, role.synonyms.index(end)) for depth, end in enumerate(endings) if end in role.synonyms]
    return ranks[0] if ranks else None


def _share(values: FieldProfile, shapes: frozenset[Shape]) -> float:
    saying = values.count - values.placeholders
    return sum(count for shape, count in values.shapes if shape in shapes) / saying if saying else 0.0


def _is_port(values: FieldProfile) -> bool:
    least, greatest = values.numeric_range or (-1.0, 0.0)
    return _share(values, _NUMBERS) >= _AGREEING and least >= 0 and greatest <= MAX_PORT


def _is_status(values: FieldProfile) -> bool:
    least, greatest = values.numeric_range or (-1.0, 0.0)
    return _share(values, _NUMBERS) >= _AGREEING and least >= 0 and 100 <= greatest <= 599  # noqa: PLR2004 - RFC 9110


def _is_transport(values: FieldProfile) -> bool:
    known = {*TRANSPORTS, *PROTOCOL_NUMBERS}
    return all(example.lower() in known or example.lower() not in APPLICATIONS for example in values.examples) and any(
        example.lower() in known for example in values.examples
    )


def _is_statement(values: FieldProfile) -> bool:
    return any(example.lower().split(" ")[0] in _STATEMENTS and " " in example for example in values.examples)


_CHECKS: Mapping[ValueKind, Callable[[FieldProfile], bool]] = {
    ValueKind.ADDRESS: lambda values: _share(values, _ADDRESSES) >= _AGREEING,
    ValueKind.HOST: lambda values: _share(values, _NO_TOKENS | _NUMBERS | _PATHS) == 0,
    ValueKind.PORT: _is_port,
    ValueKind.COUNT: lambda values: _share(values, _NUMBERS) >= _AGREEING,
    ValueKind.DURATION: lambda values: _share(values, _NUMBERS | {Shape.DECIMAL, Shape.DURATION}) >= _AGREEING,
    ValueKind.TOKEN: lambda values: _share(values, _NO_TOKENS | _ADDRESSES) <= 1 - _AGREEING,
    ValueKind.ANY: lambda values: bool(values.shapes),
    ValueKind.NAME: lambda values: _share(values, _NO_NAMES) == 0,
    ValueKind.METHOD: lambda values: _share(values, frozenset({Shape.HTTP_METHOD})) >= _AGREEING / 2,
    ValueKind.STATUS: _is_status,
    ValueKind.URL: lambda values: _share(values, frozenset({Shape.URL, Shape.HOST_PORT})) >= _AGREEING / 2,
    ValueKind.URI: lambda values: _share(values, frozenset({Shape.URI_PATH, Shape.PATH_UNIX})) >= _AGREEING / 2,
    ValueKind.TRANSPORT: _is_transport,
    ValueKind.MAC: lambda values: _share(values, frozenset({Shape.MAC})) >= _AGREEING,
    ValueKind.EMAIL: lambda values: _share(values, frozenset({Shape.EMAIL})) >= _AGREEING / 2,
    ValueKind.PATH: lambda values: _share(values, _PATHS) >= _AGREEING / 2,
    ValueKind.HASH: lambda values: _share(values, _HASHES) >= _AGREEING,
    ValueKind.DOMAIN: lambda values: _share(values, frozenset({Shape.DOMAIN_NAME})) >= _AGREEING / 2,
    ValueKind.SQL: _is_statement,
    ValueKind.REGISTRY: lambda values: _share(values, frozenset({Shape.REGISTRY_KEY})) >= _AGREEING / 2,
}
