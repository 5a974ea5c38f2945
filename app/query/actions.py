"""What the audit log calls what is done with queries."""

from enum import StrEnum


class QueryAction(StrEnum):
    """What was done with a query."""

    PREVIEWED = "query:preview"
    EXECUTED = "query:execute"
    JOINS_OVERRIDDEN = "query:override-joins"
