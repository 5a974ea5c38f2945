"""What pydantic finds wrong with the shape of a contract, in words that name the field and show what is right. Pure."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from app.catalog.contracts.checks import CheckType
from app.catalog.contracts.schemas import (
    BoundCheck,
    ContractColumnDocument,
    MaxRejectedDocument,
    OneOfCheck,
    PatternCheck,
    RegisterRequest,
    SchemaDocument,
    SemanticsDocument,
)

SHOWN_LENGTH = 64
"""Characters of a name that a message repeats."""

LIKENESS = 0.75
"""Least ratio of `difflib` of a name that is suggested."""

_MODELS: tuple[type[BaseModel], ...] = (
    RegisterRequest,
    SemanticsDocument,
    SchemaDocument,
    ContractColumnDocument,
    MaxRejectedDocument,
    BoundCheck,
    PatternCheck,
    OneOfCheck,
)


_CHECK = '{"type": "min", "value": 0}'


_OBJECTS = frozenset({"model_type", "model_attributes_type", "dict_type"})
_TAGS = frozenset({"union_tag_invalid", "union_tag_not_found"})


def _examples() -> dict[str, str]:
    """What each field says of itself; a name that stands for several things has none."""
    found: dict[str, set[str]] = {}
    for model in _MODELS:
        for name, field in model.model_fields.items():
            found.setdefault(field.alias or name, set()).update(json.dumps(each) for each in (field.examples or ())[:1])
    return {name: examples.pop() for name, examples in found.items() if len(examples) == 1}


EXAMPLES: dict[str, str] = _examples() | {"checks": f"[{_CHECK}]", "columns": '[{"name": "id", "type": "bigint"}]'}
"""A right value of each field that can be shown one, as JSON."""

FIELDS: tuple[str, ...] = tuple(
    dict.fromkeys(field.alias or name for model in _MODELS for name, field in model.model_fields.items())
)
"""All names of fields of a contract."""


def shape_message(error: Mapping[str, Any]) -> str:
    """The message for one of pydantic's errors on a contract."""
    name = next((part for part in reversed(error["loc"]) if isinstance(part, str)), "")
    example = EXAMPLES.get(name)
    shown = f" It is written like {example}." if example is not None else ""
    if error["type"] == "missing":
        return f"The field {name} is missing.{shown}"
    if error["type"] == "extra_forbidden":
        near = get_close_matches(name[:SHOWN_LENGTH], FIELDS, n=1, cutoff=LIKENESS)
        hint = f" Did you mean {near[0]}?" if near and near[0] != name else ""
        return f"There is no field {name[:SHOWN_LENGTH]!r} here.{hint}"
    if error["type"] in _OBJECTS:
        return "This is a JSON object." + (f" A check is written like {_CHECK}." if "checks" in error["loc"] else shown)
    if error["type"] in _TAGS:
        return f"A check says its type, one of {', '.join(CheckType)}; it is written like {_CHECK}."
    return f"{error['msg']}.{shown}"
