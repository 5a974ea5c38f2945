"""The process: what it answers, and that nothing brings it down, makes it open something or lets it outlive its parent."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from hashlib import sha256

import psutil
import pytest

from app.kernel.confinement import ROOT
from app.workspace.specifications.values.answers import Term
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.limits import WorkLimits
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused
from app.workspace.specifications.work import MODULE, SpecificationText, SpecificationWork, SpecificationWorkBrokenError
from tests.waiting import eventually

TURTLE = SpecificationFormat.TURTLE
SHAPES = """@prefix sh: <http://www.w3.org/ns/shacl#> .
<urn:S> a sh:NodeShape ; sh:targetNode <urn:s> ; sh:property [ sh:path <urn:p> ; %s ] ."""
CLIQUE = "\n".join(f"_:a{a} <urn:p> _:a{b} ." for a in range(30) for b in range(30) if a != b)
LINES = "\n".join(f"<urn:{n}> <urn:p> <urn:{m}> ." for n in range(40) for m in range(40))


def turtle(text: str) -> SpecificationText:
    return SpecificationText(text.encode(), TURTLE)


@pytest.fixture
def work() -> SpecificationWork:
    return SpecificationWork(WorkLimits(seconds=60))


@pytest.mark.parametrize(
    ("written_in", "text"),
    [
        (TURTLE, "\ufeff<urn:s> <urn:p> [ <urn:q> 1 ] ."),
        (
            SpecificationFormat.N_TRIPLES,
            '<urn:s> <urn:p> _:x .\n_:x <urn:q> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .',
        ),
        (SpecificationFormat.JSON_LD, '{"@id": "urn:s", "urn:p": {"urn:q": 1}}'),
        (
            SpecificationFormat.RDF_XML,
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:"><rdf:Description rdf:about="urn:s">'
            '<u:p rdf:parseType="Resource"><u:q rdf:datatype="http://www.w3.org/2001/XMLSchema#integer">1</u:q></u:p>'
            "</rdf:Description></rdf:RDF>",
        ),
    ],
)
async def test_a_text_is_read(work: SpecificationWork, written_in: SpecificationFormat, text: str) -> None:
    found = await work.read(SpecificationText(text.encode(), written_in))
    assert (found.triples, found.blank_nodes) == (2, 1)
    canonical = '<urn:s> <urn:p> _:c14n0 .\n_:c14n0 <urn:q> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
    assert found.canonical_hash == sha256(canonical.encode()).hexdigest()


async def test_texts_are_compared(work: SpecificationWork) -> None:
    found = await work.compare(turtle("<urn:s> <urn:p> [ <urn:q> 1 ] ."), turtle("<urn:s> <urn:p> [ <urn:q> 1, 2 ] ."))
    assert found.added == ['_:c14n0 <urn:q> "2"^^<http://www.w3.org/2001/XMLSchema#integer> .']
    assert (found.removed, found.added_count, found.removed_count) == ([], 1, 0)


async def test_a_text_is_validated(work: SpecificationWork) -> None:
    found = await work.validate(turtle("<urn:s> <urn:p> 1 ."), turtle(SHAPES % "sh:minCount 2 ; sh:pattern 'x'"))
    assert [fault.constraint.rpartition("#")[2] for fault in found.faults] == [
        "MinCountConstraintComponent>",
        "PatternConstraintComponent>",
    ]


async def test_a_query_is_answered(work: SpecificationWork) -> None:
    found = await work.query(turtle("<urn:s> <urn:p> 'a' ."), "SELECT ?o { ?s ?p ?o FILTER(REGEX(?o, 'A', 'i')) }")
    assert found.rows == [[Term("literal", "a")]]


async def test_a_refusal_comes_back_as_it_was_raised(work: SpecificationWork) -> None:
    with pytest.raises(SpecificationRefused) as refused:
        await work.read(turtle("\n<s> <urn:p> 1 ."))
    assert (refused.value.code, refused.value.line) == (RefusalCode.RELATIVE_IRI, 2)
    assert "relative" in refused.value.message


async def test_a_query_that_cannot_be_sent_is_refused(work: SpecificationWork) -> None:
    for query in ("ASK { ?s ?p '\ud800' }", "ASK {}\x00", " " * 200_000):
        with pytest.raises(SpecificationRefused) as refused:
            await work.query(turtle(""), query)
        assert refused.value.code is RefusalCode.QUERY_SYNTAX


DOUBLING = "".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1}) " for n in range(30))
Work = Callable[[SpecificationWork], Awaitable[object]]
HOSTILE: dict[str, tuple[Work, RefusalCode, float]] = {
    "poisoned": (lambda work: work.read(turtle(CLIQUE)), RefusalCode.TOO_SYMMETRIC, 60),
    "a pattern that backtracks": (
        lambda work: work.validate(turtle(f"<urn:s> <urn:p> '{'a' * 60}!' ."), turtle(SHAPES % "sh:pattern '^(a+)+$'")),
        RefusalCode.TOO_LONG,
        3,
    ),
    "a product": (
        lambda work: work.query(turtle(LINES), "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", 1),
        RefusalCode.QUERY_TOO_LONG,
        60,
    ),
    "a text that doubles": (
        lambda work: work.query(turtle(""), f"ASK {{ BIND('abcdefgh' AS ?x0) {DOUBLING} }}"),
        RefusalCode.TOO_MUCH_MEMORY,
        60,
    ),
    "more memory than there is": (
        lambda work: work.read(SpecificationText(b"[" + b"[]," * 3_000_000 + b"[]]", SpecificationFormat.JSON_LD)),
        RefusalCode.TOO_MUCH_MEMORY,
        60,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_would_take_too_much_is_refused(name: str) -> None:
    attempt, code, seconds = HOSTILE[name]
    with pytest.raises(SpecificationRefused) as refused:
        await attempt(SpecificationWork(WorkLimits(memory_bytes=300 << 20, seconds=seconds)))
    assert refused.value.code is code, refused.value


async def test_nothing_is_opened(work: SpecificationWork) -> None:
    """Whatever a text names, the one who listens there hears nothing."""
    heard = 0

    async def hear(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    async with server:
        attempts = [
            work.read(SpecificationText(f'{{"@context": "{address}"}}'.encode(), SpecificationFormat.JSON_LD)),
            work.read(SpecificationText(f'<!DOCTYPE r SYSTEM "{address}"><r/>'.encode(), SpecificationFormat.RDF_XML)),
            work.query(turtle(""), f"SELECT * {{ SERVICE <{address}> {{ ?s ?p ?o }} }}"),
            work.query(turtle(""), f"SELECT * FROM <{address}> {{ ?s ?p ?o }}"),
            work.validate(turtle(""), turtle(f"<urn:o> <http://www.w3.org/2002/07/owl#imports> <{address}> .")),
        ]
        found = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(each) for each in found] == [SpecificationRefused] * len(attempts)
    assert heard == 0


def test_the_process_cannot_open_anything() -> None:
    """Once it is confined: a bug in a library that reads a file or asks a server ends in an error."""
    program = (
        "import errno, os, socket, subprocess\n"
        "from app.workspace.specifications import process\n"
        "from app.workspace.specifications.orders import Order, Task\n"
        "process._confine(Order(Task.READ, (), 2 << 30, 60))\n"
        "for attempt in (lambda: open('/etc/hostname'), socket.socket, os.pipe, lambda: subprocess.run(['true'])):\n"
        "    try:\n        attempt()\n"
        "    except OSError as error:\n        os.write(1, errno.errorcode[error.errno].encode() + b' ')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert ended.stdout.split() == [b"EMFILE"] * 4, ended.stderr[-500:]


def test_a_confined_process_answers_all_that_another_does() -> None:
    """What libraries import late must not be missing: tests/workspace/specifications/confined.py."""
    program = [sys.executable, "-m", "tests.workspace.specifications.confined"]
    ended = subprocess.run(program, capture_output=True, cwd=ROOT, timeout=200, check=False)
    assert (ended.returncode, ended.stdout.decode()) == (0, ""), ended.stderr[-1_000:]


async def test_a_process_that_is_not_waited_for_is_killed() -> None:
    work = SpecificationWork(WorkLimits(seconds=60))
    endless = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?a"
    running = asyncio.create_task(work.query(turtle(LINES), endless, seconds=60))

    def children() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if MODULE in " ".join(each.cmdline())]

    started: list[psutil.Process] = []

    def has_started() -> bool:
        started.extend(children())
        return bool(started)

    await eventually(has_started)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 20)
    assert not any(each.is_running() for each in started)


async def test_the_process_goes_with_its_parent() -> None:
    """Whoever holds the other end of the lifeline is gone: the process is too, though it waits for its input."""
    theirs, ours = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULE, str(theirs),
        stdin=asyncio.subprocess.PIPE, pass_fds=(theirs,), env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL


async def test_a_process_that_ends_without_an_answer_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.workspace.specifications.work.MODULE", "app.workspace.no_such_module")
    with pytest.raises(SpecificationWorkBrokenError):
        await SpecificationWork().read(turtle(""))


def test_the_service_imports_no_library_of_rdf() -> None:
    program = (
        "import sys, app.workspace.specifications.work; print({'rdflib', 'pyshacl', 'pyparsing'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, timeout=60, check=True)
    assert ended.stdout.strip() == b"set()"
