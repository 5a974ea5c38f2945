"""Runs the tables of the other tests in this process, confined as the real one, and prints each outcome that differs."""

import logging
import sys
import warnings
from collections.abc import Iterator

from app.workspace.specifications.orders import Order, Outcome, Task
from app.workspace.specifications.process import _confine, done
from app.workspace.specifications.reading.read import prepare_terms
from app.workspace.specifications.values.formats import SpecificationFormat
from tests.workspace.specifications import test_queries, test_shapes
from tests.workspace.specifications.reading import test_hostile_texts, test_syntaxes

TURTLE = SpecificationFormat.TURTLE
Case = tuple[Order, list[bytes], str | None]
"""An order, texts, and the code of the refusal; None: none is expected."""


def order(task: Task, *formats: SpecificationFormat, query: str = "") -> Order:
    return Order(task, formats, 4 << 30, 600, query)


def cases() -> Iterator[Case]:
    for written_in, text in test_syntaxes.TEXTS:
        yield order(Task.READ, written_in), [text.encode()], None
    for written_in, hostile, code, _ in test_hostile_texts.HOSTILE.values():
        content = hostile if isinstance(hostile, bytes) else hostile.encode("utf-8", "surrogatepass")
        yield order(Task.READ, written_in), [content], code.value
    data = test_queries.DATA.encode()
    for query, _ in test_queries.ANSWERS:
        yield order(Task.QUERY, TURTLE, query=test_queries.E + query), [data], None
    for query, code in test_queries.REFUSED.values():
        yield order(Task.QUERY, TURTLE, query=query), [data], code.value
    for _, constraint, of_x, _ in test_shapes.COMPONENTS:
        shape = f"e:S a sh:NodeShape ; sh:targetNode e:x ; sh:property [ sh:path e:p ; {constraint} ] ."
        yield order(Task.VALIDATE, TURTLE, TURTLE), test_shapes.texts(f"e:x {of_x} .", shape), None
    for shapes, code in test_shapes.REFUSED.values():
        yield order(Task.VALIDATE, TURTLE, TURTLE), test_shapes.texts("e:x e:p e:y .", shapes), code.value


def main() -> int:
    logging.disable()
    warnings.simplefilter("ignore")
    prepare_terms()
    prepared = list(cases())
    _confine(order(Task.READ))
    wrong = [(each, found) for each in prepared if (found := outcome(each)).code != each[2]]
    for (asked, texts, code), found in wrong:
        sys.stdout.write(
            f"{asked.task} {texts[-1][:80]!r} {asked.query[:80]!r}: {found.code} {found.message}, not {code}\n"
        )
    return 1 if wrong else 0


def outcome(case: Case) -> Outcome:
    try:
        return done(case[0], case[1])
    except Exception as error:  # noqa: BLE001 - the point: whatever a confined library lets escape
        return Outcome("escaped", repr(error))


if __name__ == "__main__":
    sys.exit(main())
