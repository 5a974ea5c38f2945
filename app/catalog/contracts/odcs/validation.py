"""Where a document breaks the standard: held against the official JSON Schema of its version. Pure.

The schemas stand in `schemas/`, with where they come from. That of 3.0.2 corrected those before, and says that it is
theirs, too; what the one before took is still taken in documents of its version.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Final

from jsonschema_rs import Draft201909Validator, ValidationError, ValidationErrorKind

from app.kernel.problems import MAX_FAULTS, Fault, pointer_to

VERSIONS: Final[dict[str, tuple[str, ...]]] = {
    "v3.0.0": ("v3.0.2", "v3.0.1"),
    "v3.0.1": ("v3.0.2", "v3.0.1"),
    "v3.0.2": ("v3.0.2",),
    "v3.1.0": ("v3.1.0",),
    "v3.2.0": ("v3.2.0",),
}
"""Versions of the standard that are taken, with the schemas of each: one of them has to accept a document."""

SHOWN_LENGTH: Final = 200
"""Characters of a message of the library, which repeats what it refuses."""

LIKENESS: Final = 0.6
"""Least ratio of `difflib` of a name that is suggested."""

MAX_SCHEMA_DEPTH: Final = 12
"""References and branches that are followed for the names of a thing; the deepest of the standard has six."""

_BRANCHES: Final = ("allOf", "anyOf", "oneOf")
_NAMED: Final[dict[str, str]] = {
    "string": '"text"',
    "integer": "1",
    "number": "1.5",
    "boolean": "true",
    "array": "[…]",
    "object": "{…}",
    "null": "null",
}
"""What a value of each type of JSON looks like."""


@dataclass(frozen=True, slots=True)
class _Standard:
    """A schema of the standard, and what holds documents against it."""

    schema: Mapping[str, Any]
    validator: Draft201909Validator


@cache
def _standard(name: str) -> _Standard:
    """The schema that `VERSIONS` names."""
    text = (resources.files("app.catalog.contracts.odcs") / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    return _Standard(json.loads(text), Draft201909Validator(text, validate_formats=False, offline=True))


def violations(document: Mapping[str, Any], version: str, place: str = "") -> list[Fault]:
    """Where the document breaks the standard, each place and reason once, in the order of their places.

    Args:
        document: as it was read.
        version: one of `VERSIONS`.
        place: JSON pointer of the document within what was sent.
    """
    found = [_violations(document, _standard(name), place) for name in VERSIONS[version]]
    return found[0] if all(found) else []


def _violations(document: Mapping[str, Any], standard: _Standard, place: str) -> list[Fault]:
    known = _Names(standard.schema)
    found: dict[tuple[str, str], Fault] = {}
    for error in standard.validator.iter_errors(document):
        for fault in _faults(error, known, place):
            found.setdefault((fault.pointer, fault.code), fault)
        if len(found) > MAX_FAULTS:
            break
    return sorted(found.values(), key=lambda fault: fault.pointer)


class _Names:
    """Knows which fields a part of the schema names, through its references and branches.

    The library calls a field unknown, too, when another field of its branch has a fault; that is no fault of its own.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def of(self, schema: Any, depth: int = 0) -> set[str]:
        """The names of fields that the schema, or one that it refers to, says something of."""
        if not isinstance(schema, dict) or depth > MAX_SCHEMA_DEPTH:
            return set()
        found = set(schema.get("properties", ()))
        parts = [part for branch in _BRANCHES for part in schema.get(branch, ())]
        parts += [schema[word] for word in ("if", "then", "else") if word in schema]
        if "$ref" in schema:
            parts.append(self._referred(schema["$ref"]))
        for part in parts:
            found |= self.of(part, depth + 1)
        return found

    def at(self, path: Sequence[str | int]) -> Any:
        """The part of the schema at these steps."""
        found: Any = self._root
        for step in path:
            found = found[step]
        return found

    def _referred(self, reference: str) -> Any:
        return self.at(reference.removeprefix("#/").split("/"))


def _faults(error: ValidationError, known: _Names, place: str) -> Iterator[Fault]:
    at, kind = place + pointer_to(error.instance_path), error.kind
    schema = known.at(error.schema_path[:-1])
    if isinstance(kind, ValidationErrorKind.Required):
        message = f"The field {kind.property} is missing.{_example(_schema_of(schema, kind.property))}"
        yield Fault(pointer=at + pointer_to([kind.property]), code="missing", message=message)
    elif isinstance(kind, (ValidationErrorKind.AdditionalProperties, ValidationErrorKind.UnevaluatedProperties)):
        yield from _unknown(kind.unexpected, known.of(schema), at)
    elif kind.name == "oneOf" and (fields := _one_field_each(schema["oneOf"])):
        message = f"Exactly one of these fields stands here: {', '.join(fields)}."
        yield Fault(pointer=at, code="not-exactly-one-form", message=message)
    elif isinstance(kind, (ValidationErrorKind.AnyOf, ValidationErrorKind.OneOfNotValid)):
        for inner in _nearest(kind.context, len(error.instance_path)):
            yield from _faults(inner, known, place)
    else:
        code = _CODES.get(kind.name, f"breaks-{kind.name.lower()}")
        yield Fault(pointer=at, code=code, message=_message(error, schema))


_CODES: Final = {
    "type": "wrong-type",
    "enum": "not-a-choice",
    "const": "not-a-choice",
    "pattern": "wrong-pattern",
    "uniqueItems": "duplicate-value",
    "minItems": "too-short",
    "maxItems": "too-long",
    "oneOf": "not-exactly-one-form",
    "not": "not-allowed",
}


def _unknown(unexpected: Sequence[str], names: AbstractSet[str], at: str) -> Iterator[Fault]:
    for name in unexpected:
        if name not in names:
            near = get_close_matches(name[:SHOWN_LENGTH], sorted(names), n=1, cutoff=LIKENESS)
            hint = f" Did you mean {near[0]}?" if near else " What the standard lacks stands in customProperties."
            message = f"The standard knows no field {name[:SHOWN_LENGTH]!r} here.{hint}"
            yield Fault(pointer=at + pointer_to([name]), code="unknown-field", message=message)


def _one_field_each(branches: Sequence[Any]) -> list[str]:
    """The field that each of the branches asks for; empty when they ask for more than that."""
    wanted: list[list[str]] = [branch.get("required", []) if isinstance(branch, dict) else [] for branch in branches]
    return [names[0] for names in wanted] if all(len(names) == 1 for names in wanted) else []


def _nearest(branches: Sequence[list[ValidationError]], depth: int) -> list[ValidationError]:
    """The faults of that branch which the value comes nearest to: no fault of the whole, then the fewest faults.

    Args:
        branches: the faults that the value has by each of them.
        depth: steps to the value.
    """
    whole = [any(len(error.instance_path) == depth for error in errors) for errors in branches]
    return min(zip(whole, branches, strict=True), key=lambda branch: (branch[0], len(branch[1])))[1]


def _message(error: ValidationError, schema: Any) -> str:
    kind, shown = error.kind, _example(schema)
    if isinstance(kind, ValidationErrorKind.Type):
        return f"This is to be of type {' or '.join(kind.types)}.{shown}"
    if isinstance(kind, ValidationErrorKind.Enum):
        near = get_close_matches(
            str(error.instance)[:SHOWN_LENGTH], [str(each) for each in kind.options], n=1, cutoff=LIKENESS
        )
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"One of {', '.join(json.dumps(each) for each in kind.options)}.{hint}"
    if isinstance(kind, ValidationErrorKind.Constant):
        return f"This is to be {json.dumps(kind.expected_value)}."
    return f"{error.message[:SHOWN_LENGTH]}.{shown}"


def _schema_of(schema: Any, name: str) -> Any:
    return schema.get("properties", {}).get(name, {}) if isinstance(schema, dict) else {}


def _example(schema: Any) -> str:
    """What the schema itself shows as right; else what its type looks like."""
    if not isinstance(schema, dict):
        return ""
    shown = next(iter(schema.get("examples", ()) or schema.get("enum", ())), schema.get("default"))
    if shown is not None:
        if schema.get("type") == "array" and not isinstance(shown, list):
            shown = [shown]
        return f" It is written like {json.dumps(shown, ensure_ascii=False)}."
    kind = schema.get("type")
    return f" It is written like {_NAMED[kind]}." if isinstance(kind, str) and kind in _NAMED else ""
