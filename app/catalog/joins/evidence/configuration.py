"""What an admin decides about looks at tables."""

from typing import Final

from app.kernel.runtime.configuration import ConfigKey

LOOK_SECONDS: Final = ConfigKey[float](
    name="joins.look-seconds",
    description="A look at a table in the background is given up after this; a statement of it has as long.",
    schema={"type": "number", "minimum": 0.01, "maximum": 86_400},
    default=lambda _: 600.0,
)
