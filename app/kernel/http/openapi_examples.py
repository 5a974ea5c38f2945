"""Example bodies for the OpenAPI document, put together from what the fields themselves say.

A field says its `examples`, its default, its enum or its format; so an example never knows a field that is not there.
"""

from collections.abc import Mapping
from typing import Any

_BY_FORMAT = {"uuid": "01890000-0000-7000-8000-000000000000", "date-time": "2030-01-01T00:00:00Z", "date": "2030-01-01"}
_REF = "#/components/schemas/"
_REF_WORD = "$ref"


class NoExampleError(ValueError):
    """A field that is needed says nothing of what it could hold."""


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value which the schema allows: its needed fields, and the others that have examples.

    Raises `NoExampleError`: a needed field has neither examples nor a default, an enum or a known format.
    """
    examples = [each for each in schema.get("examples", ()) if each is not None]
    if examples:
        return examples[0]
    if _REF_WORD in schema:
        return example(schemas[schema[_REF_WORD].removeprefix(_REF)], schemas)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return example(schema[word][0], schemas)
    return _by_type(schema, schemas)


def _by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        needed = set(schema.get("required", ()))
        shown = {name: inner for name, inner in schema["properties"].items() if name in needed or _has_examples(inner)}
        return {name: example(inner, schemas) for name, inner in shown.items()}
    if kind == "array":
        return [example(schema["items"], schemas)] if schema.get("minItems") or _REF_WORD in schema["items"] else []
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    if kind in {"integer", "number"}:
        return schema.get("minimum", 1)
    if kind == "boolean":
        return False
    raise NoExampleError(f"no example for {schema.get('title', schema)}")


def _has_examples(schema: Mapping[str, Any]) -> bool:
    return any(each is not None for each in schema.get("examples", ()))
