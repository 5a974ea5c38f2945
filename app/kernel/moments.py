"""Points in time as requests give them: with offset, and within what PostgreSQL and Python can both hold."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # the years 1 and 9999 with an offset that leads beyond them
        raise ValueError("the time is out of range") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""RFC 3339 with offset; in UTC from then on."""
