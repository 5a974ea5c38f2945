"""Terms of the glossary in a question, spelt out before it is read. Pure."""

import re
from collections.abc import Sequence

from app.query.language.vocabulary.model import GlossaryEntry, Meaning

_OF_CASE = re.compile(r"[^.?!;]*\bcase[- ]?(?:in)?sensitiv[^.?!;]*[.?!;]?", re.IGNORECASE)


def without_manners(question: str) -> str:
    """The question without sentences about the case of letters: values are looked up in any case."""
    kept = _OF_CASE.sub(lambda match: match.group() if match.start() == 0 else " ", question)
    return kept if kept.strip() else question


def spelt_out(question: str, glossary: Sequence[GlossaryEntry]) -> tuple[str, tuple[str, ...]]:
    """The question with the expressions of terms in their place, and what was replaced."""
    said: list[str] = []
    text = question
    for entry in sorted(glossary, key=lambda each: -len(each.term)):
        if entry.meaning is not Meaning.EXPRESSION or not entry.expression:
            continue
        pattern = re.compile(rf"(?<!\w){re.escape(entry.term)}(?!\w)(?:\s*\([^)]*\))?", re.IGNORECASE)
        if pattern.search(text):
            expression = entry.expression
            text = pattern.sub(lambda _, e=expression: e, text)  # type: ignore[misc]
            said.append(f"{entry.term} is {entry.expression}.")
    return text, tuple(said)
