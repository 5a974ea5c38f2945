"""Random graphs, and the same graph written in other ways. What writes is Oxigraph, which shares nothing with rdflib."""

import random
from collections.abc import Sequence

import pyoxigraph as ox

from app.workspace.specifications.canonical.nquads import Statement, statements
from app.workspace.specifications.orders import Order, Outcome, Task
from app.workspace.specifications.process import done
from app.workspace.specifications.reading.read import read_graph
from app.workspace.specifications.values.formats import SpecificationFormat

OX_FORMATS = {
    SpecificationFormat.TURTLE: ox.RdfFormat.TURTLE,
    SpecificationFormat.N_TRIPLES: ox.RdfFormat.N_TRIPLES,
    SpecificationFormat.RDF_XML: ox.RdfFormat.RDF_XML,
    SpecificationFormat.JSON_LD: ox.RdfFormat.JSON_LD,
}
XSD = "http://www.w3.org/2001/XMLSchema#"
LITERALS = (
    '"a"', '"a"@en', '"a"@de-at', f'"01"^^<{XSD}integer>', f'"1"^^<{XSD}integer>', f'"1.50"^^<{XSD}decimal>',
    f'"1.0E0"^^<{XSD}double>', f'"tRue"^^<{XSD}boolean>', '"line\\nfeed \\"quoted\\" \\\\"', '"\\u00E9 \\U0001F600"', '""',
    f'"2026-02-30"^^<{XSD}date>',
)  # fmt: skip


def random_lines(chance: random.Random, blanks: int, triples: int) -> list[str]:
    """Lines of N-Triples over few names, so that blank nodes look alike."""
    nodes = [f"_:n{number}" for number in range(blanks)]
    subjects = [*nodes, *nodes, "<http://example.org/s>"]
    objects = [*nodes, *nodes, *nodes, "<http://example.org/o>", *chance.sample(LITERALS, 2)]
    predicates = ["<http://example.org/p>", "<http://example.org/q>"]
    chosen = [(chance.choice(subjects), chance.choice(predicates), chance.choice(objects)) for _ in range(triples)]
    return sorted({f"{subject} {predicate} {obj} ." for subject, predicate, obj in chosen})


def alike_lines(chance: random.Random, blanks: int, triples: int) -> list[str]:
    """Lines over blank nodes alone: which is which is told by what is far from them, in one of many orders."""
    nodes = [f"_:n{number}" for number in range(blanks)]
    return sorted({f"{chance.choice(nodes)} <http://example.org/p> {chance.choice(nodes)} ." for _ in range(triples)})


def renamed(lines: Sequence[str], chance: random.Random) -> list[str]:
    """The same graph under other names of blank nodes, in another order."""
    numbers = chance.sample(range(1_000, 9_999), 100)
    shuffled = [" ".join(_renamed(word, numbers) for word in line.split(" ")) for line in lines]
    chance.shuffle(shuffled)
    return shuffled


def _renamed(word: str, numbers: list[int]) -> str:
    return f"_:x{numbers[int(word[3:])]}" if word.startswith("_:n") else word


def written(lines: Sequence[str], written_in: SpecificationFormat) -> bytes:
    """The graph in a syntax, by Oxigraph."""
    quads = ox.parse("\n".join(lines), ox.RdfFormat.N_TRIPLES)
    text = ox.serialize((quad.triple for quad in quads), format=OX_FORMATS[written_in])
    assert text is not None
    return text


def read(content: bytes, written_in: SpecificationFormat = SpecificationFormat.N_TRIPLES) -> list[Statement]:
    """The triples as the service reads them."""
    return statements(read_graph(content, written_in))


def of_lines(lines: Sequence[str]) -> list[Statement]:
    """The triples of lines of N-Triples as the service reads them."""
    return read("\n".join(lines).encode())


def oxigraph_lines(content: bytes, written_in: SpecificationFormat) -> list[str]:
    """The canonical lines as Oxigraph has them."""
    dataset = ox.Dataset(ox.Quad(*quad.triple) for quad in ox.parse(content, OX_FORMATS[written_in]))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted(f"{quad.triple} .\n" for quad in dataset)


def outcome(task: Task, *texts: bytes, query: str = "", seconds: float = 5.0) -> Outcome:
    """What the process would answer, for texts in Turtle."""
    formats = tuple(SpecificationFormat.TURTLE for _ in texts)
    return done(Order(task, formats, 0, 0, query, seconds), list(texts))
