"""Where a record carries a column's value: in a field, or at a JSON Pointer (RFC 6901) that leads into nested objects.

Pure. Which column may read what is decided in `app/catalog/contracts/columns.py`; `Column.path` and `Column.header` are
what decoders read by.
"""

from collections.abc import Sequence

FieldPath = tuple[str, ...]
"""Names of fields, outermost first: `{"customer": {"id": 1}}` has the value 1 at `("customer", "id")`."""

MAX_SOURCE_LENGTH = 256
"""Characters, as it is written; names of real interfaces keep far below."""

MAX_SOURCE_DEPTH = 8
"""Names of a pointer: each is an object that the decoder opens for every row."""


class InvalidSourceError(ValueError):
    """The text names no place in a record."""


def source_path(source: str) -> FieldPath:
    """The names of fields that lead to the value: one for a field's name, one per part of a pointer.

    A text that begins with `/` is a pointer. It leads through objects; a name made of digits is a name, too, and no
    place in a list.

    Raises:
        InvalidSourceError: no place, or one that no record can have.
    """
    if not 1 <= len(source) <= MAX_SOURCE_LENGTH:
        raise InvalidSourceError(f"It has 1 to {MAX_SOURCE_LENGTH} characters.")
    names = source[1:].split("/") if source.startswith("/") else [source]
    if len(names) > MAX_SOURCE_DEPTH:
        raise InvalidSourceError(f"It has at most {MAX_SOURCE_DEPTH} names.")
    if not all(map(_is_name, names)):
        raise InvalidSourceError(
            "Its names are printable, not empty, without quotation marks, backslashes, and white space around them."
        )
    return tuple(_unescaped(name) for name in names) if source.startswith("/") else (source,)


def _is_name(name: str) -> bool:
    """Whether a field may be called so: decoders take no quotes or backslashes in names, and headers are stripped."""
    return bool(name) and name == name.strip() and name.isprintable() and not {'"', "\\"} & {*name}


def _unescaped(name: str) -> str:
    """The name that a part of a pointer stands for: `~1` is `/`, and `~0` is `~` (RFC 6901, section 4)."""
    if "~" in name.replace("~0", "").replace("~1", ""):
        raise InvalidSourceError("In a pointer ~ is written ~0, and / inside of a name ~1.")
    return name.replace("~1", "/").replace("~0", "~")


def written_source(path: FieldPath) -> str:
    """The shortest text for which `source_path` answers the path: another one for every path."""
    if len(path) == 1 and not path[0].startswith("/"):
        return path[0]
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)


def clashes(paths: Sequence[FieldPath]) -> list[tuple[int, int]]:
    """Positions of paths that lead to one place, or into a place that another one reads whole, in pairs.

    The second of a pair reads what the first one reads, or a part of it.
    """
    found: list[tuple[int, int]] = []
    outer: int | None = None
    for position in sorted(range(len(paths)), key=lambda each: (paths[each], each)):
        # In this order all that begins with a path follows it without a gap.
        if outer is not None and paths[position][: len(paths[outer])] == paths[outer]:
            found.append((outer, position))
        else:
            outer = position
    return found
