"""What an admin decides about queries while the service runs."""

from typing import Final

from app.kernel.runtime.configuration import ConfigKey
from app.query.results.limits import HIGHEST_COST

STATEMENT_TIMEOUT_SECONDS: Final = ConfigKey[float](
    name="query.statement-timeout-seconds",
    description="PostgreSQL cancels a query after this; a role may have less.",
    schema={"type": "number", "exclusiveMinimum": 0, "maximum": 3_600},
    default=lambda settings: settings.query.statement_timeout_seconds,
)

PREVIEW_LIFETIME_SECONDS: Final = ConfigKey[int](
    name="query.preview-lifetime-seconds",
    description="A preview may be executed for this long.",
    schema={"type": "integer", "minimum": 1, "maximum": 86_400},
    default=lambda settings: settings.query.preview_lifetime_seconds,
)

MAX_COST: Final = ConfigKey[float](
    name="query.max-cost",
    description="Statements that the planner thinks dearer are refused; a role may have less.",
    schema={"type": "number", "minimum": 0, "maximum": HIGHEST_COST},
    default=lambda _: HIGHEST_COST,
)

REQUIRE_ACCEPTED_JOINS: Final = ConfigKey[bool](
    name="query.require_accepted_joins",
    description="Tables are joined by accepted joins alone; others need `options.override_joins` and its permission.",
    schema={"type": "boolean"},
    default=lambda _: False,
)

CONFIG_KEYS: Final = (STATEMENT_TIMEOUT_SECONDS, PREVIEW_LIFETIME_SECONDS, MAX_COST, REQUIRE_ACCEPTED_JOINS)
