"""Words that people give with a decision: seen, or refused."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import app.main  # noqa: F401 - every request is declared by then
from app.catalog.drift_reports.schemas import ResolveRequest, UndoRequest
from app.catalog.joins.schemas import JoinRejectRequest
from app.ingestion.quarantine.schemas import RowsToResolve
from app.kernel.schemas import Rationale, Reason, StrictModel

UNSEEN = ["\u200b", "\u200d\ufeff", "\u2060" * 12, "\u00ad", "\u0301", "\u3164" * 10, "\u2800" * 10, "\U000e0041" * 11]
WORDS = {"reason", "rationale", "override_rationale", "override_joins"}
NOTES = [(each, "note") for each in (ResolveRequest, UndoRequest, JoinRejectRequest, RowsToResolve)]


def requests(base: type[BaseModel] = StrictModel) -> Iterator[type[BaseModel]]:
    """Every model of a request; what is read from a row, or called a document or a detail, is an answer."""
    for model in base.__subclasses__():
        answer = model.model_config.get("from_attributes") or model.__name__.endswith(("Document", "Detail"))
        if model.__module__.startswith("app.") and not answer:
            yield model
        yield from requests(model)


REASONS = sorted({(each, name) for each in requests() for name in each.model_fields.keys() & WORDS}, key=str)


@pytest.mark.parametrize("text", UNSEEN)
@pytest.mark.parametrize("words", [Reason, Rationale], ids=["reason", "rationale"])
def test_what_cannot_be_seen_is_no_reason(words: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(words).validate_python(text * 10)


@pytest.mark.parametrize("text", ["?", "🐘", "ㄱ", "a\u200b", " \u00a0x "])
def test_one_character_is_a_reason_and_spaces_around_it_are_none(text: str) -> None:
    assert TypeAdapter(Reason).validate_python(text) == text.strip()


@pytest.mark.parametrize(("model", "name"), [*REASONS, *NOTES], ids=str)
def test_every_request_has_its_reasons_from_there(model: type[BaseModel], name: str) -> None:
    field = model.model_fields[name]
    words: TypeAdapter[Any] = TypeAdapter(Annotated[(field.annotation, name, *field.metadata)])  # type: ignore[valid-type]
    with pytest.raises(ValidationError):
        words.validate_python("\u200b" * 20)


def test_there_are_requests_with_reasons() -> None:
    assert len(REASONS) > 10
