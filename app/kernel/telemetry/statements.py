"""Statements in the log (`DATABASE_ECHO`): their text alone, never a value.

SQLAlchemy's own echo is not used: it writes to standard output beside the log, and has values where an engine does not
hide them. Text literals are left out too: some statements are made with values in them.
"""

import logging
import re
from typing import Final

log = logging.getLogger(__name__)

_LITERAL: Final = re.compile(
    r"""
    (?P<name>"(?:[^"]|"")*")                    # an identifier, which may have quotes in it
    | [eE]'(?:[^'\\]|\\.|'')*'?                 # with escapes by backslashes
    | '(?:[^']|'')*'?
    | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Text literals of PostgreSQL (manual, 4.1.2); one that has no end reaches to the end."""


def without_literals(statement: str) -> str:
    """The statement with `'…'` for every text literal."""
    return _LITERAL.sub(lambda found: found["name"] or "'…'", statement)


def echo(statement: str) -> None:
    """Log a statement that is about to run."""
    log.info("statement", extra={"sql": without_literals(statement)})
