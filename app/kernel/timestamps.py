"""Points in time as requests give them: with offset, and within what PostgreSQL and Python can both hold."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

_NUMBER = re.compile(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*")


def _no_number(value: Any) -> Any:
    # A bare number would be read as seconds or milliseconds since 1970, whichever looks more likely.
    if isinstance(value, (int, float)) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("write the time as RFC 3339 text with an offset")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the years 1 and 9999 with an offset that leads beyond them
        raise ValueError("the time is out of range") from error


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(_in_utc)]
"""RFC 3339 with offset; in UTC from then on."""
