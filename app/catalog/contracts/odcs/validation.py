"""Where a document breaks the standard: held against the official JSON Schema of its version. Pure.

The schemas stand in `schemas/`, with where they come from. That of 3.0.2 corrected those before, and says that it is
theirs, too; what the one before took is still taken in documents of its version.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Final

from jsonschema import Draft201909Validator, ValidationError
from jsonschema.validators import extend

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

_TYPES: Final = Draft201909Validator.TYPE_CHECKER.redefine(
    "integer",
    lambda _, value: isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value == int(value),
)
_Validator: Final = extend(Draft201909Validator, type_checker=_TYPES)


@cache
def validator(name: str) -> Any:
    """The validator of a schema that `VERSIONS` names."""
    folder = resources.files("app.catalog.contracts.odcs") / "schemas"
    return _Validator(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))


def violations(document: Mapping[str, Any], version: str, place: str = "") -> list[Fault]:
    """Where the document breaks the standard, each place and reason once, in the order of the document.

    Args:
        document: as it was read.
        version: one of `VERSIONS`.
        place: JSON pointer of the document within what was sent.
    """
    found = [_violations(document, validator(name), place) for name in VERSIONS[version]]
    return found[0] if all(found) else []


def _violations(document: Mapping[str, Any], checked: Any, place: str) -> list[Fault]:
    known = _Names(checked.schema)
    found: dict[tuple[str, str], Fault] = {}
    for error in checked.iter_errors(document):
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

    def _referred(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            found = found.get(step, {})
        return found


def _faults(error: ValidationError, known: _Names, place: str) -> Iterator[Fault]:
    at = place + pointer_to(error.absolute_path)
    word = error.validator
    if word == "required":
        for name in error.validator_value:
            if name not in error.instance:
                message = f"The field {name} is missing.{_example(_schema_of(error.schema, name))}"
                yield Fault(pointer=at + pointer_to([name]), code="missing", message=message)
    elif word in {"additionalProperties", "unevaluatedProperties"}:
        yield from _unknown(error, known, at)
    elif word == "oneOf" and (fields := _one_field_each(error.validator_value)):
        message = f"Exactly one of these fields stands here: {', '.join(fields)}."
        yield Fault(pointer=at, code="not-exactly-one-form", message=message)
    elif word in {"anyOf", "oneOf"} and error.context:
        for inner in _nearest(error.context):
            yield from _faults(inner, known, place)
    else:
        yield Fault(pointer=at, code=_CODES.get(str(word), f"breaks-{word}"), message=_message(error))


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


def _unknown(error: ValidationError, known: _Names, at: str) -> Iterator[Fault]:
    names = known.of(error.schema)
    for name in error.instance:
        if name not in names:
            near = get_close_matches(name[:SHOWN_LENGTH], sorted(names), n=1, cutoff=LIKENESS)
            hint = f" Did you mean {near[0]}?" if near else " What the standard lacks stands in customProperties."
            message = f"The standard knows no field {name[:SHOWN_LENGTH]!r} here.{hint}"
            yield Fault(pointer=at + pointer_to([name]), code="unknown-field", message=message)


def _one_field_each(branches: Sequence[Any]) -> list[str]:
    """The field that each of the branches asks for; empty when they ask for more than that."""
    wanted: list[list[str]] = [branch.get("required", []) if isinstance(branch, dict) else [] for branch in branches]
    return [names[0] for names in wanted] if all(len(names) == 1 for names in wanted) else []


def _nearest(context: Sequence[ValidationError]) -> list[ValidationError]:
    """The faults of that branch which the value comes nearest to: no fault of the whole, then the fewest faults."""
    branches: dict[Any, list[ValidationError]] = {}
    for error in context:
        branches.setdefault(error.schema_path[0], []).append(error)
    return min(branches.values(), key=lambda errors: (any(not error.path for error in errors), len(errors)))


def _message(error: ValidationError) -> str:
    word, wanted = error.validator, error.validator_value
    shown = _example(error.schema)
    if word == "type":
        types = [wanted] if isinstance(wanted, str) else wanted
        return f"This is to be of type {' or '.join(types)}.{shown}"
    if word == "enum":
        near = get_close_matches(
            str(error.instance)[:SHOWN_LENGTH], [str(each) for each in wanted], n=1, cutoff=LIKENESS
        )
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"One of {', '.join(json.dumps(each) for each in wanted)}.{hint}"
    if word == "const":
        return f"This is to be {json.dumps(wanted)}."
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
