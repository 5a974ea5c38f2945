"""Which query parameters an operation takes: each once, except for lists, and no others.

A misspelt filter that is ignored answers more than was asked for, and a repeated one leaves open which counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from app.kernel.problems import Fault, InvalidRequest

MAX_FAULTS = 50
"""Faults listed of one query: an address has room for thousands, and nobody misspells that many."""

MAX_NAME = 64
"""Characters of a wrong name that an answer repeats, and that are compared with the right ones."""


class RepeatedParameter(InvalidRequest):
    """A query parameter that has one value was given several: which one counts would be a guess."""

    code, title = "repeated-parameter", "A query parameter was given more than once"


class UnknownParameter(InvalidRequest):
    """The operation takes no query parameter of this name."""

    code, title = "unknown-parameter", "There is no such query parameter"


@dataclass(frozen=True, slots=True)
class QueryParameters:
    """Names of the parameters that an operation takes."""

    single: frozenset[str]
    lists: frozenset[str]

    @classmethod
    def of(cls, dependant: Dependant) -> "QueryParameters":
        """Those of a route and of all that it depends on."""
        found = dict(_named(dependant))
        lists = frozenset(name for name, is_list in found.items() if is_list)
        return cls(frozenset(found) - lists, lists)

    def check(self, names: Iterable[str]) -> None:
        """Return when a query with these names, as often as they occur in it, can be answered.

        Raises:
            UnknownParameter: it has others; the message names the nearest right name.
            RepeatedParameter: it has one several times that has one value.
        """
        counts = Counter(names)
        unknown = [name for name in counts if name not in self.single and name not in self.lists]
        repeated = [name for name, count in counts.items() if count > 1 and name in self.single]
        if not unknown and not repeated:
            return
        faults = [self._unknown(name) for name in unknown[:MAX_FAULTS]]
        faults += [_fault(name, RepeatedParameter.code, "Give it once.") for name in repeated]
        raise (UnknownParameter if unknown else RepeatedParameter)(faults=faults)

    def _unknown(self, name: str) -> Fault:
        known = sorted(self.single | self.lists)
        near = get_close_matches(name[:MAX_NAME].lower(), known, n=1)
        if near:
            message = f"Did you mean {near[0]!r}?"
        elif known:
            message = f"The parameters are {', '.join(known)}."
        else:
            message = "This operation takes no query parameters."
        return _fault(name[:MAX_NAME], UnknownParameter.code, message)


def _fault(name: str, code: str, message: str) -> Fault:
    return Fault(pointer=f"query/{name}", code=code, message=message)


def _named(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Every query parameter by the name that requests give it, and whether it may have several values."""
    for parameter in dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            fields = model.model_fields.items()
            yield from ((each.alias or name, _is_list(each.annotation)) for name, each in fields)
        else:
            yield parameter.alias, _is_list(model)
    for inner in dependant.dependencies:
        yield from _named(inner)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in (list, set, tuple) or any(_is_list(each) for each in get_args(annotation))
