"""What comes out of the work with a specification: plain values, which know no library."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpecificationSummary:
    """What a specification's text holds.

    Attributes:
        triples: how many different ones.
        blank_nodes: how many different ones.
        canonical_hash: SHA-256 of the canonical N-Quads (RDFC-1.0), in hexadecimal.
    """

    triples: int
    blank_nodes: int
    canonical_hash: str


@dataclass(frozen=True, slots=True)
class Differences:
    """Triples by which a newer graph differs from an older one, as lines of N-Triples in order.

    Blank nodes that both have carry the canonical label of the older graph (`_:c14n3`); those of the newer alone are
    `_:new0`, `_:new1` and so on. The lists are cut at `MAX_LISTED`; the counts are of all.
    """

    added: list[str]
    removed: list[str]
    added_count: int
    removed_count: int
    older_hash: str
    newer_hash: str


@dataclass(frozen=True, slots=True)
class ShapeFault:
    """A result of the validation (SHACL 3.6.2). Nodes are terms of N-Triples; None: the result names none."""

    focus_node: str
    path: str | None
    value: str | None
    message: str | None
    severity: str
    constraint: str
    shape: str | None


@dataclass(frozen=True, slots=True)
class ShapesReport:
    """Whether a graph conforms to its shapes.

    Attributes:
        conforms: as SHACL has it: no result of any severity.
        faults: in order of focus node, path and constraint; at most `MAX_LISTED`.
        fault_count: of all.
        report: the validation report with the listed results, as JSON-LD.
    """

    conforms: bool
    faults: list[ShapeFault]
    fault_count: int
    report: str


@dataclass(frozen=True, slots=True)
class Term:
    """A term of an answer, as "SPARQL 1.1 Query Results JSON Format" writes it.

    Attributes:
        type: `uri`, `literal` or `bnode`.
        datatype: an IRI; None of plain literals and those with a language.
    """

    type: str
    value: str
    datatype: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """The answer to a query.

    Attributes:
        variables: of a SELECT, in the order of the query.
        rows: of a SELECT: a term for each variable, None where that is unbound.
        truncated: there are more rows than `MAX_ROWS`.
        boolean: of an ASK.
    """

    variables: list[str]
    rows: list[list[Term | None]]
    truncated: bool = False
    boolean: bool | None = None
