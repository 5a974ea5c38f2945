"""The process in which specifications are read: bounded in memory and time, opens nothing, gone with its parent.

    python -m app.workspace.specifications.process [LIFELINE]

Standard input carries frames (`app/kernel/confinement.py`): an order (`orders.py`) as JSON, then the texts. Standard
output carries one: the outcome as JSON. Descriptor `LIFELINE`, if it is given, ends the process when its other end is
closed, as it is when the parent is killed.

RDF libraries are imported here and below, never by the service: docs/decisions/0050.
"""

import gc
import logging
import resource
import sys
from typing import Final

import msgspec

from app.kernel.confinement import end_with_parent, frame, read_frame
from app.workspace.specifications.canonical.form import canonical_form
from app.workspace.specifications.canonical.nquads import statements
from app.workspace.specifications.differences import differences
from app.workspace.specifications.orders import Order, Outcome, Task
from app.workspace.specifications.queries import answered
from app.workspace.specifications.reading.read import prepare_terms, read_graph
from app.workspace.specifications.shapes import validated
from app.workspace.specifications.values.answers import SpecificationSummary
from app.workspace.specifications.values.refusals import RefusalCode, SpecificationRefused

CPU_GRACE_SECONDS: Final = 5
STANDARD_STREAMS: Final = (0, 1, 2)
"""The descriptors below the limit, all in use: the next one cannot be had."""

_BLANK_PREFIXES: Final = ("b", "s")
"""Of the first text, which is the data, and of the second, which may be its shapes."""


def done(order: Order, texts: list[bytes]) -> Outcome:
    """What was asked for, or why not."""
    try:
        return _result(order, texts)
    except SpecificationRefused as refusal:
        return Outcome(refusal.code.value, refusal.message, refusal.line)
    except MemoryError:
        gc.collect()
        return Outcome(RefusalCode.TOO_MUCH_MEMORY.value, "The work takes more memory than it may.")


def _result(order: Order, texts: list[bytes]) -> Outcome:
    sources = zip(texts, order.formats, _BLANK_PREFIXES, strict=False)
    graphs = [read_graph(text, written_in, blank_prefix) for text, written_in, blank_prefix in sources]
    if order.task is Task.QUERY:
        return Outcome(answer=answered(graphs[0], order.query, order.query_seconds))
    if order.task is Task.VALIDATE:
        return Outcome(report=validated(graphs[0], graphs[1]))
    if order.task is Task.COMPARE:
        return Outcome(differences=differences(statements(graphs[0]), statements(graphs[1])))
    form = canonical_form(statements(graphs[0]))
    return Outcome(summary=SpecificationSummary(len(form.lines), len(form.labels), form.sha256))


def _confine(order: Order) -> None:
    """Bound memory and processor time, leave no core dump, write no file, and open nothing: no file and no socket."""
    seconds = int(order.seconds) + CPU_GRACE_SECONDS
    for kind, most in (
        (resource.RLIMIT_AS, order.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, len(STANDARD_STREAMS)),
    ):
        resource.setrlimit(kind, (most, most))


def main(lifeline: int | None) -> None:
    """Do one piece of work."""
    if lifeline is not None:
        end_with_parent(lifeline)
    logging.disable()  # libraries log each literal that is no value of its datatype
    prepare_terms()
    source, target = sys.stdin.buffer, sys.stdout.buffer
    order = msgspec.json.decode(read_frame(source), type=Order)
    texts = [read_frame(source) for _ in order.formats]
    _confine(order)
    target.write(frame(msgspec.json.encode(done(order, texts))))
    target.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
