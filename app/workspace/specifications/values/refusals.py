"""Why a specification, its shapes or a query is refused: a code that stays and a sentence that helps."""

from enum import StrEnum
from typing import Final

MAX_MESSAGE_CHARACTERS: Final = 600
"""Of a sentence: libraries quote what they did not understand, and that may be the whole text."""


class RefusalCode(StrEnum):
    """The reasons, as callers of the API see them."""

    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf-8"
    SYNTAX = "syntax"
    TOO_DEEP = "too-deep"
    TOO_MANY_TRIPLES = "too-many-triples"
    FORBIDDEN_CHARACTER = "forbidden-character"
    INVALID_IRI = "invalid-iri"
    RELATIVE_IRI = "relative-iri"
    INVALID_TERM = "invalid-term"
    NAMED_GRAPH = "named-graph"
    REMOTE_CONTEXT = "remote-context"
    DOCUMENT_TYPE = "document-type"
    TOO_SYMMETRIC = "too-symmetric"
    SHAPES_NOT_CORE = "shapes-not-core"
    SHAPES_IMPORTS = "shapes-imports"
    SHAPES_RECURSIVE = "shapes-recursive"
    SHAPES_INVALID = "shapes-invalid"
    NO_SHAPES = "no-shapes"
    ENDLESS_LIST = "endless-list"
    QUERY_SYNTAX = "query-syntax"
    QUERY_FORM = "query-form"
    QUERY_UPDATE = "query-update"
    QUERY_READS_ELSEWHERE = "query-reads-elsewhere"
    QUERY_FAILED = "query-failed"
    QUERY_TOO_LONG = "query-too-long"
    ANSWER_TOO_LARGE = "answer-too-large"
    TOO_LONG = "too-long"
    TOO_MUCH_MEMORY = "too-much-memory"


class SpecificationRefused(Exception):  # noqa: N818 - the field's word is refusal
    """An expected refusal.

    Attributes:
        code: the reason.
        message: a sentence that says what is wrong and what would be right.
        line: of the text, counted from 1; None where that is not known.
    """

    def __init__(self, code: RefusalCode, message: str, line: int | None = None) -> None:
        self.code = code
        self.message = plain_text(message)[:MAX_MESSAGE_CHARACTERS]
        self.line = line
        super().__init__(self.message)


def plain_text(text: str) -> str:
    """The text as PostgreSQL and UTF-8 can keep it: no NUL, no half of a pair of surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
