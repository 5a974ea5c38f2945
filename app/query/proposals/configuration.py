"""Configuration of the language model: whether it is asked, and whether values of data are sent to it."""

from typing import Final

from app.kernel.language_model.configuration import LANGUAGE_MODEL_VALUES
from app.kernel.runtime.configuration import ConfigKey

OFF: Final = "off"
WHEN_REFUSED: Final = "when-refused"

LANGUAGE_MODEL: Final = ConfigKey[str](
    name="query.language-model",
    description="Whether the model at `LANGUAGE_MODEL_URL` proposes a statement for a question that the rules refuse.",
    schema={"type": "string", "enum": [OFF, WHEN_REFUSED]},
    default=lambda _: OFF,
)

CONFIG_KEYS: Final = (LANGUAGE_MODEL, LANGUAGE_MODEL_VALUES)
