"""What an endpoint may answer, and the one text of SQL that is taken from it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.guard.check import MAX_BYTES
from app.query.proposals.outcome import SENTENCES, NoProposal, Obstacle
from app.query.proposals.reading import statement_of
from tests.model_server import completion

SQL = "SELECT carrier FROM airlines"
GOOD = {
    "json": json.dumps({"sql": SQL}),
    "json with a remark": json.dumps({"sql": f"  {SQL}\n", "remark": "as asked"}),
    "json in a fence": f'```json\n{{"sql": "{SQL}"}}\n```',
    "a fence": f"```sql\n{SQL}\n```",
    "a fence of no language, in prose": f"Here you are:\n```\n{SQL}\n```\nIt lists all.",
    "a fence with carriage returns": f"```SQL \r\n{SQL}\r\n```",
}
BAD = {
    "bare": (SQL, "no-statement"),
    "prose": (f"The answer is {SQL}, of course.", "no-statement"),
    "two fences": (f"```sql\n{SQL}\n```\nor\n```sql\n{SQL}\n```", "no-statement"),
    "a fence that is not closed": (f"```sql\n{SQL}", "no-statement"),
    "a fence of another language": (f"```python\n{SQL}\n```", "no-statement"),
    "a fence within a fence": (f"```sql\n{SQL} ```sql\n```", "no-statement"),
    "nothing": ("", "no-statement"),
    "blanks": (" \n\t ", "no-statement"),
    "an empty fence": ("```sql\n\n```", "no-statement"),
    "json of another shape": (json.dumps({"query": SQL}), "no-statement"),
    "a list of statements": (json.dumps({"sql": [SQL, SQL]}), "no-statement"),
    "a number": (json.dumps({"sql": 1}), "no-statement"),
    "sql twice": ('{"sql": "SELECT 1", "sql": "SELECT 2"}', "no-statement"),
    "json that goes on": (json.dumps({"sql": SQL}) + json.dumps({"sql": SQL}), "no-statement"),
    "blank sql": ('{"sql": " "}', "no-statement"),
    "too long": (json.dumps({"sql": "SELECT '" + "x" * MAX_BYTES + "'"}), "no-statement"),
    "NUL within json within json": ('{"sql": "SELECT \\u0000"}', "no-statement"),
    "a lone surrogate within json within json": ('{"sql": "SELECT \\ud800"}', "no-statement"),
    "declined": ('{"sql": null}', "declined"),
}
BODIES = {
    "empty": b"",
    "no json": b"<html>busy</html>",
    "not utf-8": completion(SQL).replace(b"airlines", b"\xff\xfe"),
    "cut": completion(SQL)[:-5],
    "deep": b"[" * 100_000,
    "many": b"[" + b"0," * 30_000 + b"0]",
    "another document": b'{"error": {"message": "no"}}',
    "no choice": b'{"choices": []}',
    "two choices": json.dumps({"choices": json.loads(completion(SQL))["choices"] * 2}).encode(),
    "no content": completion(None),
    "content in parts": completion([{"type": "text", "text": SQL}]),
    "a surrogate": completion("x").replace(b'"x"', b'"\\ud800"'),
    "not a number": b'{"choices": NaN}',
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_json_or_one_fence_is_read(content: str) -> None:
    assert statement_of(completion(content)) == SQL


@pytest.mark.parametrize(("content", "outcome"), BAD.values(), ids=BAD)
def test_everything_else_is_no_statement(content: str, outcome: str) -> None:
    found = statement_of(completion(content))
    assert isinstance(found, NoProposal)
    assert found.obstacle.value == outcome


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_no_completion_is_unreadable(body: bytes) -> None:
    found = statement_of(body)
    assert isinstance(found, NoProposal)
    assert found.obstacle.value == "unreadable"


def test_an_answer_that_was_cut_is_not_read() -> None:
    found = statement_of(completion(json.dumps({"sql": SQL}), finish_reason="length"))
    assert isinstance(found, NoProposal)
    assert found.obstacle.value == "cut"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(completion)))
def test_nothing_that_is_answered_raises(body: bytes) -> None:
    found = statement_of(body)
    assert isinstance(found, NoProposal) or found.encode()


def test_every_obstacle_is_said_in_words() -> None:
    assert SENTENCES.keys() == set(Obstacle)
