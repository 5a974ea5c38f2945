"""What an admin decides about joins while the service runs."""

from typing import Final

from app.catalog.joins.evidence.configuration import LOOK_SECONDS
from app.catalog.joins.policy import JoinPolicy
from app.kernel.runtime.configuration import ConfigKey, ConfigurationInForce

MAX_ORPHAN_RATE: Final = ConfigKey[float](
    name="joins.max-orphan-rate",
    description="A join is accepted without an override while no larger share of its left rows meets no right row.",
    schema={"type": "number", "minimum": 0, "maximum": 1},
    default=lambda _: 0.05,
)

MAX_MULTIPLICATION: Final = ConfigKey[float](
    name="joins.max-multiplication",
    description="A join is accepted without an override while a left row meets no more right rows on average.",
    schema={"type": "number", "minimum": 1, "maximum": 1_000_000},
    default=lambda _: 1.0,
)

ACCEPT_SECONDS: Final = ConfigKey[float](
    name="joins.accept-seconds",
    description="The exact measurement of a join that is being accepted is given up after this.",
    schema={"type": "number", "minimum": 0.01, "maximum": 3_600},
    default=lambda _: 60.0,
)

CONFIG_KEYS: Final = (MAX_ORPHAN_RATE, MAX_MULTIPLICATION, LOOK_SECONDS, ACCEPT_SECONDS)


def policy_in_force(configuration: ConfigurationInForce) -> JoinPolicy:
    """The policy by which joins are accepted now."""
    return JoinPolicy(configuration.value(MAX_ORPHAN_RATE), configuration.value(MAX_MULTIPLICATION))
