"""Requests and answers of the query operations."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.kernel.schemas import Rationale, StrictModel
from app.kernel.tabular.csv_style import CsvChoice
from app.query.corrections.schemas import CorrectionDocument
from app.query.language.outcome import Alternative, WordMeaning

MAX_QUESTION_CHARACTERS = 2_000
MAX_NAMES = 50

TableName = Annotated[str, StringConstraints(min_length=1, max_length=63)]


class _Request(StrictModel):
    model_config = ConfigDict(frozen=True)


class PreviewOptions(_Request):
    """What the statement may do besides the usual."""

    include_deprecated: list[TableName] = Field(
        default_factory=list,
        max_length=MAX_NAMES,
        description="Logical names whose DEPRECATED version may be read when there is no current one.",
        examples=[["flights"]],
    )
    override_joins: Rationale | None = Field(
        None,
        description="Why tables may be joined as nobody has accepted; recorded. Needs `query:override-joins`.",
        examples=["Comparing old and new station codes by hand."],
    )


class PreviewRequest(_Request):
    """What to preview: a question in words or a statement in SQL, exactly one of them."""

    query: str | None = Field(
        None, min_length=1, max_length=MAX_QUESTION_CHARACTERS, description="A question in words.", examples=[None]
    )
    sql: str | None = Field(
        None,
        min_length=1,
        description="One SELECT over logical table names, PostgreSQL's dialect, at most 20,000 bytes.",
        examples=["SELECT carrier, count(*) FROM flights GROUP BY carrier ORDER BY 2 DESC LIMIT 10"],
    )
    options: PreviewOptions = Field(default_factory=PreviewOptions, description="What it may do besides the usual.")

    @model_validator(mode="after")
    def _one_of(self) -> "PreviewRequest":
        if (self.query is None) == (self.sql is None):
            raise ValueError("give either `query` or `sql`, not both and not neither")
        return self


class ValidateRequest(_Request):
    """A statement to hold against the guard."""

    sql: str = Field(min_length=1, description="The statement.", examples=["SELECT carrier FROM flights"])
    options: PreviewOptions = Field(default_factory=PreviewOptions, description="As for a preview.")


class ExecuteRequest(_Request, CsvChoice):
    """A preview to execute."""

    preview_id: UUID = Field(description="Of a preview of the caller's own, not yet used.")


class PlaceDocument(BaseModel):
    """Where in the statement as it was sent."""

    line: int = Field(description="From 1.")
    column: int = Field(description="From 1.")
    offset: int = Field(description="In characters, from 0.")
    snippet: str = Field(description="What stands there.")


class JoinReferenceDocument(BaseModel):
    """A version of an accepted join."""

    join_id: str
    version: int


class JoinOfferDocument(BaseModel):
    """A statement, ready to be previewed, that joins by accepted joins what was put side by side."""

    joins: list[JoinReferenceDocument] = Field(description="The joins, in the order in which the statement uses them.")
    sql: str = Field(description="The statement as it was sent, with the conditions that were missing.")


class GuardrailDocument(BaseModel):
    """One rule and what it did."""

    rule: str = Field(description="Stable name of the rule.", examples=["row-cap"])
    verdict: Literal["passed", "applied", "refused"] = Field(
        description="`applied`: it will bound the execution; `refused`: the statement may not run."
    )
    message: str = Field(description="In words.")
    place: PlaceDocument | None = Field(None, description="Where, when it refused.")
    nearest: str | None = Field(None, description="The nearest allowed form.")
    offers: list[JoinOfferDocument] = Field(
        default_factory=list, description="Where a condition is missing: what accepted joins would make of it."
    )


class TableDocument(BaseModel):
    """A table that the statement reads."""

    table_id: str = Field(description="Id of the version.")
    name: str = Field(description="Logical name.")
    version: int = Field(description="The version that the name stands for.")
    state: str = Field(description="ACTIVE, READ_ONLY or DEPRECATED.")
    columns: list[str] = Field(description="Its columns that the statement reads.")


class JoinDocument(BaseModel):
    """Two tables that the statement relates."""

    left: str = Field(description="Logical name.")
    right: str = Field(description="Logical name.")
    kind: str = Field(description="inner, left, right, full, in or correlated.")
    pairs: list[tuple[str, str]] = Field(description="Equal columns: of the left and of the right table.")
    join_id: str | None = Field(None, description="The accepted join that covers it.")
    join_version: int | None = Field(None, description="Its version; the preview is bound to it.")
    cardinality: str | None = Field(None, description="Rows of the left to rows of the right: 1:1, n:1, 1:n or n:m.")
    effect: str | None = Field(None, description="What the join does to rows, in words.")
    decay: str | None = Field(None, description="Why it does not hold as it was accepted; null while it does.")


class FanOutDocument(BaseModel):
    """An aggregate that counts rows several times, since a join repeats them."""

    message: str = Field(description="Which aggregate, and which join repeats its rows.")
    corrected: str | None = Field(
        description="The statement that aggregates before it joins, ready to be previewed; null where none is certain."
    )


class QueryColumnDocument(BaseModel):
    """A column of the result."""

    name: str = Field(description="Unique within the result: a repeated name gets a number.")
    type: str = Field(description="PostgreSQL's type.", examples=["bigint"])


class EstimateDocument(BaseModel):
    """What PostgreSQL's planner expects."""

    rows: int = Field(description="Rows of the result before any cap.")
    cost: float = Field(description="Total cost in the planner's units (one sequential page read is 1).")
    bytes: int = Field(description="Bytes of the result, by the planner's row width.")


class WordDocument(BaseModel):
    """What words of a question became."""

    words: str = Field(description="As they stand in the question.")
    meaning: str = Field(description="What they were taken for: `table orders`, `orders.status = 'paid'`, `count`.")
    evidence: str = Field(description="Why: a name, a comment, a label, a value, a date.")

    @staticmethod
    def of(word: WordMeaning) -> "WordDocument":
        """The meaning as it is shown."""
        return WordDocument(words=word.words, meaning=word.meaning, evidence=word.evidence)


class AlternativeDocument(BaseModel):
    """Another reading of a question, ready to be previewed."""

    sql: str
    reading: str = Field(description="How it differs.")
    confidence: float = Field(ge=0, le=1)

    @staticmethod
    def of(other: Alternative) -> "AlternativeDocument":
        """The reading as it is shown."""
        return AlternativeDocument(sql=other.sql, reading=other.reading, confidence=other.confidence)


class TermDocument(BaseModel):
    """A term that a question was read by."""

    term: str
    version: int | None = Field(description="Of the entry of the glossary; null of a correction of the caller's.")
    correction_id: UUID | None = Field(description="The caller's correction that nobody has decided about yet.")


class ReadBy(StrEnum):
    """Who made a statement of a question."""

    RULES = "rules"
    LANGUAGE_MODEL = "language-model"


class PreviewState(StrEnum):
    """Whether a preview can be executed."""

    READY = "ready"
    USED = "used"
    EXPIRED = "expired"


class PreviewAnswer(BaseModel):
    """What a statement would do: all of a preview but its id and times."""

    question: str | None = Field(None, description="The question in words; null of a statement in SQL.")
    read_by: ReadBy | None = Field(
        None, description="Who made, or knew, the statement for it; null of SQL. A model's was not checked for sense."
    )
    understood: list[WordDocument] = Field(default_factory=list, description="What the words of a question became.")
    terms: list[TermDocument] = Field(
        default_factory=list, description="Terms that a question was read by; the preview is bound to their meanings."
    )
    sql: str = Field(description="The statement as it will run, with logical names.")
    sql_hash: str = Field(description="SHA-256 of the text that will run; the execution is bound to it.")
    tables: list[TableDocument] = Field(description="Tables that it reads.")
    columns: list[QueryColumnDocument] = Field(description="Columns that it answers.")
    joins: list[JoinDocument] = Field(description="Tables that it relates, and by what.")
    assumptions: list[str] = Field(description="What was taken for granted.")
    guardrails: list[GuardrailDocument] = Field(description="Rules that it passed, and bounds it will run within.")
    estimate: EstimateDocument = Field(description="The planner's estimate.")
    warnings: list[str] = Field(description="What a reader of the result should know.")
    fan_outs: list[FanOutDocument] = Field(
        default_factory=list, description="Aggregates that count rows several times."
    )
    confidence: float = Field(
        ge=0,
        le=1,
        description="How likely a question was understood as it was meant, as measured; 1 for SQL, and for a language "
        "model's statement a fixed low value that nobody measured.",
    )
    alternatives: list[AlternativeDocument] = Field(description="Other readings of a question in words; none for SQL.")


class QueryPreviewDocument(PreviewAnswer):
    """A preview: what will run, on what, within which bounds. Its owner can execute it once, until it expires."""

    preview_id: UUID = Field(description="Give it to `POST /api/query/execute`.")
    state: PreviewState = Field(description="ready, used or expired.")
    created_at: datetime = Field(description="RFC 3339.")
    expires_at: datetime = Field(description="RFC 3339.")


class CorrectedPreviewDocument(QueryPreviewDocument):
    """A preview of a question as it was corrected, and the corrections, which its author's questions are read by."""

    corrections: list[CorrectionDocument] = Field(description="In the order in which they were sent.")


class ValidationDocument(BaseModel):
    """The guard's verdict on a statement."""

    allowed: bool = Field(description="Whether a preview of it would be made.")
    sql: str | None = Field(None, description="The statement as it would run, with logical names.")
    guardrails: list[GuardrailDocument] = Field(description="Every rule that refused it.")
    tables: list[TableDocument] = Field(default_factory=list, description="Tables that it reads.")
    joins: list[JoinDocument] = Field(default_factory=list, description="Tables that it relates.")
    warnings: list[str] = Field(default_factory=list, description="What a reader of the result should know.")
    fan_outs: list[FanOutDocument] = Field(
        default_factory=list, description="Aggregates that count rows several times."
    )


class ResultDocument(BaseModel):
    """An answer in JSON."""

    execution_id: UUID = Field(description="Names this execution in `GET /api/query/executions`.")
    preview_id: UUID = Field(description="The preview that was executed.")
    columns: list[QueryColumnDocument] = Field(description="In the order of the values in each row.")
    rows: list[list[Any]] = Field(
        description="Arrays in the order of `columns`. Numbers have all their digits; NaN and Infinity are strings, "
        "times RFC 3339, intervals ISO 8601, bytes base64, every other type as PostgreSQL writes it."
    )
    row_count: int = Field(description="Rows in this answer.")
    truncated: bool = Field(description="Whether a cap cut the answer: there are more rows than these.")
    truncated_by: Literal["rows", "bytes"] | None = Field(None, description="Which cap.")
    seconds: float = Field(description="From the claim of the preview to the last row.")
    explanation: str = Field(description="What the answer is, in words.")


class ExecutionDocument(BaseModel):
    """An execution and how it ended."""

    id: UUID = Field(description="The execution.")
    preview_id: UUID = Field(description="What was executed.")
    actor: str = Field(description="Name of who executed it.", validation_alias="actor_label")
    sql_hash: str = Field(description="SHA-256 of the text that ran.")
    format: str = Field(description="json, ndjson, csv, arrow or parquet.")
    started_at: datetime = Field(description="RFC 3339.")
    finished_at: datetime | None = Field(description="RFC 3339; null while it runs.")
    seconds: float | None = Field(description="Until the answer was complete.")
    rows: int | None = Field(description="Rows answered.")
    bytes: int | None = Field(description="Bytes answered.")
    estimated_rows: float = Field(description="What the planner expected.")
    truncated: bool | None = Field(description="Whether a cap cut the answer.")
    outcome: Literal["running", "succeeded", "failed", "cancelled"] = Field(description="How it ended.")
    error_code: str | None = Field(description="Code of the problem that was answered.")
