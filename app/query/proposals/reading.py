"""What an endpoint answered becomes one text of SQL, or the reason why there is none. Pure.

Whether the text is one statement, and one that may run, is the guard's to say.
"""

import re
from typing import Any, Final

from app.kernel import strict_json
from app.kernel.language_model.answers import NoAnswer, text_of
from app.query.guard.check import MAX_BYTES
from app.query.proposals.outcome import NoProposal, Obstacle

_FENCE: Final = re.compile(r"```(?P<kind>[A-Za-z]*)[ \t]*\r?\n(?P<text>.*?)```", re.DOTALL)
_KINDS: Final = frozenset(("", "sql", "postgres", "postgresql", "psql", "json"))
_MARKS: Final = 2
"""Fence marks around one block: of answers with several blocks nobody knows which is meant."""


def statement_of(body: bytes) -> str | NoProposal:
    """The SQL within a chat completion: one choice, whose text is `{"sql": "…"}` or has one fenced block of either.

    Args:
        body: the answer of `POST …/chat/completions`, its size bounded by whoever received it.
    """
    content = text_of(body)
    return NoProposal.of_silence(content) if isinstance(content, NoAnswer) else _checked(_written(content))


def _written(content: str) -> Any:
    """What stands where SQL should: a text, None when the model declines, anything else when there is no statement."""
    if content.startswith("{"):
        return _member(content)
    blocks = list(_FENCE.finditer(content))
    if len(blocks) != 1 or content.count("```") != _MARKS or blocks[0]["kind"].lower() not in _KINDS:
        return False
    text = blocks[0]["text"].strip()
    return _member(text) if text.startswith("{") else text


def _member(text: str) -> Any:
    try:
        document = strict_json.loads(text.encode("utf-8"))
    except strict_json.InvalidJsonError:
        return False
    return document.get("sql", False) if isinstance(document, dict) else False


def _checked(sql: Any) -> str | NoProposal:
    if sql is None:
        return NoProposal(Obstacle.DECLINED)
    if not isinstance(sql, str) or not sql.strip() or len(sql.encode("utf-8")) > MAX_BYTES:
        return NoProposal(Obstacle.NO_STATEMENT)
    return sql.strip()
