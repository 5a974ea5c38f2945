"""The fields of a JSON object by where they are read, and what is wrong with them as JSON. One pass over the text.

Values stay as they are written; `app/ingestion/rows/field_reader.py` reads them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from app.ingestion.rows.field_reader import shown
from app.warehouse.rejections import MAX_FAULTS, RejectionCode, RowFault
from app.warehouse.sources import FieldPath, written_source

FIELD = re.compile(rb'"[ \t\r\n]*:')
"""A quote before a colon: every field has one."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder says of a text that is no JSON, or not of its type."""

_LEVELS = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"([ \t\r\n]*:)?|[\[\]{}]', re.DOTALL)
_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair, which is sound
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_STAND_IN = b"\\uf8ff"
"""Put in the place of a lone surrogate, so that the other fields of its row can be read."""

Fields = dict[str, msgspec.Raw]
_OBJECT: msgspec.json.Decoder[Fields] = msgspec.json.Decoder(Fields)
_NAME = msgspec.json.Decoder(str)


def fields_of(text: bytes, most: int, written: Sequence[bytes] = ()) -> tuple[Fields, list[RowFault]]:
    """The fields of an object, and what is wrong with them as JSON: too many, names twice, lone surrogates.

    Args:
        text: of the object.
        most: fields that it may have.
        written: its names, when they are known.

    Raises:
        DecodeError, UnicodeDecodeError, RecursionError: no JSON, no object, or nested too deeply.
    """
    fields, surrogates = _opened(text)
    if len(fields) > most:
        return fields, [too_many_fields(most)]
    if not written and _may_repeat(text, fields):
        written = names_of(text, most + 1)
    twice = [duplicate_field(name) for name in repeated(written)]
    return fields, [*twice, *(_surrogates(fields) if surrogates else [])]


def too_many_fields(most: int) -> RowFault:
    """The fault of an object with more fields."""
    return RowFault(RejectionCode.TOO_MANY_FIELDS, None, f"the row has more than {most} fields")


def duplicate_field(name: str) -> RowFault:
    """The fault of a name that stands there twice."""
    return RowFault(RejectionCode.DUPLICATE_FIELD, name, f"the field {shown(name)} stands there twice")


def flattened(
    fields: Fields,
    places: Mapping[FieldPath, str],
    most: int,
    no_object: Callable[[FieldPath, msgspec.Raw], RowFault | None],
) -> tuple[dict[str, msgspec.Raw | None], list[RowFault], list[FieldPath]]:
    """The fields by what they are read as, those of nested objects too, and what is wrong with such objects.

    Beside them, where an object is null, or something else than an object: what would be in it is not absent.

    Args:
        fields: of the object at the top.
        places: what is read, by where it stands. Of objects on the way to one of these, all fields are given.
        most: fields that a nested object may have.
        no_object: the fault of something else that stands on the way; None when that is passed over.
    """
    given: dict[str, msgspec.Raw | None] = {}
    faults: list[RowFault] = []
    closed: list[FieldPath] = []
    branches = {path[:length] for path in places for length in range(1, len(path))}
    waiting: list[tuple[FieldPath, msgspec.Raw]] = [((name,), value) for name, value in fields.items()]
    while waiting:
        path, raw = waiting.pop()
        value = None if bytes(raw) == b"null" else raw
        if path not in branches:
            given[places.get(path) or written_source(path)] = value
        elif value is None:
            closed.append(path)
        else:
            try:
                inner, wrong = fields_of(bytes(value), most)
            except UNREADABLE:
                closed.append(path)
                faults += [fault] if (fault := no_object(path, value)) is not None else []
                continue
            faults += wrong
            waiting += [((*path, name), inner_value) for name, inner_value in inner.items()]
    return given, faults, closed


def _opened(text: bytes) -> tuple[Fields, bool]:
    """The fields of an object, not looked into, and whether stand-ins were put in place of lone surrogates."""
    try:
        return _OBJECT.decode(text), False
    except msgspec.ValidationError:
        raise
    except UNREADABLE:
        mended = _SURROGATES.sub(_stand_in, text)
        if mended == text:
            raise
        try:
            return _OBJECT.decode(mended), True
        except UNREADABLE:
            pass
        raise


def _stand_in(found: re.Match[bytes]) -> bytes:
    return _STAND_IN if len(found.group()) == len(_STAND_IN) else found.group()


def _surrogates(fields: Fields) -> list[RowFault]:
    """The faults of fields in which stand-ins were put in place of lone surrogates."""
    message = "holds a lone surrogate, which no text in UTF-8 can"
    names = [name for name, value in fields.items() if _STAND_IN in bytes(value)][:MAX_FAULTS]
    faults = [RowFault(RejectionCode.INVALID_TEXT, name, f"{shown(name)} {message}") for name in names]
    return faults or [RowFault(RejectionCode.INVALID_TEXT, None, f"a name {message}")]


def _may_repeat(text: bytes, fields: Fields) -> bool:
    """Whether a name may stand twice in an object; never False where one does.

    Every field has a quote before its colon, and whatever else looks so stands inside a value, or in a name.
    """
    inside = sum(len(FIELD.findall(value)) for value in map(bytes, fields.values()) if b":" in value)
    return len(FIELD.findall(text)) != len(fields) + inside


def names_of(text: bytes, most: int) -> list[bytes]:
    """The names of the fields of a JSON object as they are written, up to so many. One pass."""
    names: list[bytes] = []
    depth = 0
    for token in _LEVELS.finditer(text):
        mark = token.group()[:1]
        if mark == b'"':
            if depth == 1 and token.group(2) is not None:
                names.append(token.group(1))
                if len(names) >= most:
                    break
        else:
            depth += 1 if mark in b"[{" else -1
    return names


def repeated(written: Iterable[bytes]) -> list[str]:
    """The names that stand more than once among the names of an object. (Inside documents the last one counts.)"""
    once: set[str] = set()
    twice: dict[str, None] = {}
    for written_name in written:
        name = _NAME.decode(b'"' + written_name + b'"') if b"\\" in written_name else written_name.decode()
        if name in once:
            twice[name] = None
        once.add(name)
    return list(twice)[:MAX_FAULTS]
