"""What the service asks of the process, and what it is told: the messages in the frames."""

from enum import StrEnum

import msgspec

from app.workspace.specifications.values.answers import Differences, QueryAnswer, ShapesReport, SpecificationSummary
from app.workspace.specifications.values.formats import SpecificationFormat
from app.workspace.specifications.values.limits import QUERY_SECONDS


class Task(StrEnum):
    """What is to be done with the texts."""

    READ = "read"
    COMPARE = "compare"
    VALIDATE = "validate"
    QUERY = "query"


class Order(msgspec.Struct, frozen=True):
    """A piece of work; the texts follow, each in a frame.

    Attributes:
        formats: of the texts, in their order.
        query: of a QUERY, in SPARQL.
        memory_bytes: that the process may use.
        seconds: of the processor that it may use.
        query_seconds: of the clock, for the query.
    """

    task: Task
    formats: tuple[SpecificationFormat, ...]
    memory_bytes: int
    seconds: float
    query: str = ""
    query_seconds: float = QUERY_SECONDS


class Outcome(msgspec.Struct, frozen=True):
    """The answer: a refusal, or the result of the task.

    Attributes:
        code: of a refusal; None where there is a result.
    """

    code: str | None = None
    message: str = ""
    line: int | None = None
    summary: SpecificationSummary | None = None
    differences: Differences | None = None
    report: ShapesReport | None = None
    answer: QueryAnswer | None = None
