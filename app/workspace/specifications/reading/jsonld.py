"""JSON-LD by rdflib's processor. Contexts stand in the text: nothing is fetched."""

import json
from typing import Any, Final, Never

from rdflib.graph import Dataset, Graph
from rdflib.plugins.parsers.jsonld import to_rdf

from app.workspace.specifications.reading.checked_store import BASE
from app.workspace.specifications.values.limits import MAX_NESTING
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

_LARGEST_PLAIN: Final = 1e21
"""Numbers without a fraction below it are integers (JSON-LD 1.1 API, 8.2.2 "Object to RDF Conversion", step 10)."""


def read_jsonld(text: str, graph: Graph) -> None:
    """Add the triples of the text. Raises `SpecificationRefused`: `syntax`, `remote-context`, `too-deep`."""
    document = _parsed(text)
    _refuse_remote(document)
    dataset = _DefaultGraph(store=graph.store)
    try:
        to_rdf(document, dataset, base=BASE)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as fault:
        # What the processor lets escape where a keyword has a value of another kind than the standard says.
        raise SpecificationRefused(RefusalCode.SYNTAX, f"The text is JSON, but not JSON-LD ({fault}).") from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=_number, parse_constant=_no_number)
    except json.JSONDecodeError as fault:
        raise SpecificationRefused(RefusalCode.SYNTAX, f"The text is not JSON: {fault.msg}.", fault.lineno) from None
    except ValueError:  # of a number with more digits than Python reads
        raise SpecificationRefused(RefusalCode.SYNTAX, "The text has a number with too many digits.") from None


class _DefaultGraph(Dataset):
    """A dataset whose default graph has the name, too, by which the processor still asks for it."""

    default_context = Dataset.default_graph


class _Double(float):
    """A number with a fraction, whose text is the canonical one of xsd:double: `1.5E0`."""

    def __str__(self) -> str:
        mantissa, _, exponent = f"{float(self):.15E}".partition("E")
        mantissa = mantissa.rstrip("0")
        return f"{mantissa}{'0' if mantissa.endswith('.') else ''}E{int(exponent)}"


def _number(text: str) -> float | int:
    value = float(text)
    if abs(value) == float("inf"):
        raise ValueError(text)
    return int(value) if value.is_integer() and abs(value) < _LARGEST_PLAIN else _Double(value)


def _no_number(text: str) -> Never:
    raise SpecificationRefused(RefusalCode.SYNTAX, f"{text} is no number of JSON.")


def _refuse_remote(document: Any) -> None:
    """Refuse contexts that stand elsewhere, wherever in the document they are named, and deep nesting."""
    waiting: list[tuple[Any, int]] = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_NESTING:
            raise SpecificationRefused(RefusalCode.TOO_DEEP, f"The text is nested in more than {MAX_NESTING} levels.")
        if isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
        elif isinstance(value, dict):
            _refuse_remote_context(value)
            waiting += [(each, depth + 1) for each in value.values()]


def _refuse_remote_context(node: dict[str, Any]) -> None:
    contexts = node.get("@context")
    named = [each for each in (contexts if isinstance(contexts, list) else [contexts]) if isinstance(each, str | list)]
    if named or "@import" in node:
        raise SpecificationRefused(
            RefusalCode.REMOTE_CONTEXT, "A context that stands elsewhere is not fetched: write its terms into the text."
        )
