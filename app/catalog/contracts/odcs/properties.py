"""A property of the standard as a column of a contract: name, source, type, checks, and words about it. Pure.

Contracts take columns by their own words (`app/catalog/contracts/schemas.py`), and `review` judges them; here a
property is only said in these words, with the place of each word in the document, so that a fault names that place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from app.catalog.contracts.checks import APPLIES_TO, CheckType
from app.catalog.contracts.odcs.export import ENGINE
from app.catalog.contracts.odcs.logical_types import UnfitPropertyError, property_type
from app.catalog.names import column_name_fault, snake_case
from app.kernel.problems import Fault
from app.warehouse.sources import InvalidSourceError, source_path, written_source
from app.warehouse.types import INTEGER_KINDS, ColumnType

PRIVATE: Final = frozenset(
    {"restricted", "confidential", "private", "secret", "sensitive", "personal", "pii", "spi", "phi", "pci", "gdpr"}
)
"""Words of a classification, or tags, which say that values are not for everybody's eyes."""

NEGATIONS: Final = frozenset({"non", "no", "not"})
MAX_MIN_LENGTH: Final = 1_000
"""RE2 repeats nothing more often, and a least length is asked for by a pattern."""

_WORD: Final = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the document says, and that is kept without being enforced."""

    pointer: str
    message: str


@dataclass(slots=True)
class Mapped:
    """A column in a contract's words, with where each of them stands in the document."""

    body: dict[str, Any]
    places: dict[str, str] = field(default_factory=dict)
    """JSON pointer within the column, to JSON pointer within the document."""
    words: dict[str, Any] = field(default_factory=dict)
    """Description, labels and sensitivity, as far as the document says them."""
    faults: list[Fault] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def plain(value: Any) -> Any:
    """The JSON value with its numbers as `int` and `float`; a decimal number that no double equals as text."""
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else format(value, "f")
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def custom_values(listed: Any) -> dict[str, tuple[Any, int]]:
    """Values of custom properties of ours or of nobody's, by name, each with its index; of several the last."""
    found = {}
    for index, item in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(item.get("property"), str) and item.get("vendor", ENGINE) == ENGINE:
            found[item["property"]] = (plain(item.get("value")), index)
    return found


def column_of(found: Mapping[str, Any], pointer: str, identity: Sequence[str], processing_time: str | None) -> Mapped:
    """The column of a property that the standard's schema accepts.

    Args:
        found: the property.
        pointer: where it stands in the document.
        identity: the columns that no two rows share together, as far as that is known: their uniqueness is no check.
        processing_time: the column that Spyne sets, which is read from nowhere.
    """
    name, field_name = _name(found)
    mapped = Mapped({"name": name})
    mapped.places = {"": pointer, "/name": f"{pointer}/{field_name}"}
    source, at = _source(found, name, pointer)
    if source is not None and name != processing_time:
        mapped.body["source"] = source
        mapped.places["/source"] = at
    mapped.body["nullable"] = found.get("required") is not True
    mapped.places["/nullable"] = f"{pointer}/required"
    mapped.words = words_of(found)
    try:
        column_type = property_type(found)
    except UnfitPropertyError as error:
        mapped.faults.append(Fault(pointer=f"{pointer}/{error.field}", code="unknown-type", message=str(error)))
        return mapped
    mapped.body["type"] = column_type.sql
    said = "physicalType" if "physicalType" in found else "logicalType"
    mapped.places["/type"] = f"{pointer}/{said}"
    _Checks(found, pointer, column_type, mapped).read(sole=tuple(identity) == (name,))
    return mapped


def words_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Description, labels and sensitivity of a property, as far as it says them."""
    words: dict[str, Any] = {}
    if isinstance(found.get("description"), str):
        words["description"] = found["description"]
    tags = [tag for tag in found.get("tags") or () if isinstance(tag, str)]
    if tags:
        words["labels"] = tags
    classification = found.get("classification")
    if any(is_private(text) for text in (*tags, classification) if isinstance(text, str)):
        words["sensitivity"] = "private"
    return words


def is_private(text: str) -> bool:
    """Whether a classification or tag says that values are private: `Confidential`, `pii.email`; not `non-pii`."""
    said = _WORD.findall(text.lower())
    return any(word in PRIVATE and not (index and said[index - 1] in NEGATIONS) for index, word in enumerate(said))


def _name(found: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the column, and the field that it comes from: the first that a column can bear."""
    said = [(found[each], each) for each in ("physicalName", "name") if isinstance(found.get(each), str)]
    made = [(snake, each) for text, each in said if (snake := snake_case(text)) is not None]
    usable = [pair for pair in (*said, *made) if column_name_fault(pair[0]) is None]
    return usable[0] if usable else (found.get("name", ""), "name")


def _source(found: Mapping[str, Any], column: str, pointer: str) -> tuple[str | None, str]:
    """Where records carry the value: as a custom property says, else in a field of the property's own name."""
    said = custom_values(found.get("customProperties")).get("source")
    if said is not None:
        return said[0], f"{pointer}/customProperties/{said[1]}/value"
    name = found.get("name")
    if not isinstance(name, str) or name == column:
        return None, ""
    source = written_source((name,))
    try:
        source_path(source)
    except InvalidSourceError:
        return None, ""
    return source, f"{pointer}/name"


class _Checks:
    """Reads what a property demands of its values, into the checks of a column."""

    def __init__(self, found: Mapping[str, Any], pointer: str, column_type: ColumnType, mapped: Mapped) -> None:
        self._found = found
        self._pointer = pointer
        self._type = column_type
        self._mapped = mapped
        self._checks: list[dict[str, Any]] = []
        options = found.get("logicalTypeOptions")
        self._options: Mapping[str, Any] = options if isinstance(options, dict) else {}

    def read(self, *, sole: bool) -> None:
        """Put the checks into the column. A column that is the whole identity is unique without a check."""
        self._bounds()
        self._lengths()
        if isinstance(self._options.get("pattern"), str):
            self._add(CheckType.PATTERN, {"value": self._options["pattern"]}, "/logicalTypeOptions/pattern")
        values = [plain(each.get("value")) for each in self._found.get("enum") or () if isinstance(each, dict)]
        if values:
            told = [value for value in values if value is not None]  # whether null passes is said by `required`
            self._add(CheckType.ONE_OF, {"values": told}, "/enum")
        if self._found.get("unique") is True and not sole:
            self._add(CheckType.UNIQUE, {}, "/unique")
        self._quality()
        self._mapped.body["checks"] = self._checks

    def _bounds(self) -> None:
        for option, kind, step in (("minimum", CheckType.MIN, 1), ("maximum", CheckType.MAX, -1)):
            exclusive = f"exclusive{option.capitalize()}"
            bound, beyond = plain(self._options.get(option)), plain(self._options.get(exclusive))
            at = f"/logicalTypeOptions/{option}"
            if beyond is True:  # before 3.1 it said of the other bound that values keep off it
                bound, beyond, at = None, bound, f"/logicalTypeOptions/{exclusive}"
            if bound is not None:
                self._add(kind, {"value": bound}, at)
            if beyond is None or beyond is False:
                continue
            if isinstance(beyond, int) and self._type.kind in INTEGER_KINDS and bound is None:
                self._add(kind, {"value": beyond + step}, f"/logicalTypeOptions/{exclusive}")
            else:
                self._note(f"/logicalTypeOptions/{exclusive}", "A bound of a column is inclusive: this one is kept")
        if "multipleOf" in self._options:
            self._note("/logicalTypeOptions/multipleOf", "No check of a column asks for multiples: this is kept")

    def _lengths(self) -> None:
        longest, least = self._options.get("maxLength"), self._options.get("minLength")
        if longest is not None and longest != self._type.length:
            self._note("/logicalTypeOptions/maxLength", f"The column has the type {self._type}: the length is kept")
        if not isinstance(least, int) or least < 1:
            return
        if (
            least <= MAX_MIN_LENGTH
            and "pattern" not in self._options
            and self._type.kind in APPLIES_TO[CheckType.PATTERN]
        ):
            self._add(CheckType.PATTERN, {"value": f"(?s)^.{{{least},}}$"}, "/logicalTypeOptions/minLength")
        else:
            self._note("/logicalTypeOptions/minLength", "A column has one pattern at most: the length is kept")

    def _quality(self) -> None:
        others = 0
        for index, rule in enumerate(self._found.get("quality") or ()):
            implementation = rule.get("implementation")
            if rule.get("engine") == ENGINE and isinstance(implementation, dict):
                self._place(f"/quality/{index}/implementation")
                self._checks.append(plain(implementation))
            else:
                others += 1
        if others:
            self._note("/quality", "Rules of quality for other engines are kept")

    def _add(self, kind: CheckType, operand: Mapping[str, Any], at: str) -> None:
        if self._type.kind not in APPLIES_TO[kind]:
            self._note(at, f"No column of type {self._type} is held against this: it is kept")
            return
        self._place(at)
        self._checks.append({"type": kind.value, **operand})

    def _place(self, at: str) -> None:
        position = f"/checks/{len(self._checks)}"
        self._mapped.places[position] = self._pointer + at

    def _note(self, at: str, message: str) -> None:
        self._mapped.notes.append(Note(self._pointer + at, f"{message}, and not enforced."))
