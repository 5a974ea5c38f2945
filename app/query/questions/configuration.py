"""Configuration of questions."""

from typing import Final

from app.kernel.runtime.configuration import ConfigKey

QUESTIONS_ZONE: Final = ConfigKey[str](
    name="query.questions-zone",
    description="Time zone of days, weeks and months in questions: a name of the IANA database. Unknown ones are UTC.",
    schema={"type": "string", "pattern": "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$", "maxLength": 64},
    default=lambda _: "UTC",
)

CONFIG_KEYS: Final = (QUESTIONS_ZONE,)
