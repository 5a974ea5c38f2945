"""Terms out of the instructions that go with a question: `TERM = what it means`, its long name in brackets. Pure."""

import re
from typing import Final

from app.catalog.glossary.terms import Meaning, Term

_ENTRY: Final = re.compile(
    r"(?:^|[\n.;]\s*|,\s*and\s+)(?P<term>[A-Za-z][\w' -]{0,40}?)\s*(?:\((?P<long>[^()=]{1,60})\))?\s*(?:=|:=)\s*"
    r"(?P<what>[^\n]+?)(?=[.;,]\s+(?:and\s+)?[A-Z]\w*\s*(?:\([^()]*\)\s*)?=|\n|$)"
)
_WHAT_ENDS: Final = re.compile(
    r"[.;]\s+(?=[A-Z])|(?<=[a-z)])[.;](?:\s|$)|,\s+(?:which|i\.e\.|where)\b|\s+for the given\b|\.\s*$"
)
_OF_SQL: Final = re.compile(
    r"\b(?:CURRENT_DATE|CURRENT_TIMESTAMP|INTERVAL|DATE_TRUNC|CASE|SELECT|LOWER|EXTRACT)\b|\w\(|'"
)
_LONGEST: Final = 200


def parse_terms(text: str) -> tuple[Term, ...]:
    """The terms that the text defines by an equals sign; other sentences are left out."""
    found = []
    for match in _ENTRY.finditer(text):
        what = _WHAT_ENDS.split(match["what"], maxsplit=1)[0].strip(" .")
        if " - " in what or " + " in what:
            continue  # arithmetic is not read
        if not what or len(what) > _LONGEST or _OF_SQL.search(what):
            continue
        what = re.sub(r"\s*\(for the given[^)]*\)", "", what)
        terms = [term.strip() for term in (match["term"], match["long"]) if term and term.strip()]
        found += [Term(term, Meaning.EXPRESSION, expression=what) for term in terms]
    return tuple(found)
