"""Configuration of proposals for add-ons: whether the language model is asked."""

from typing import Final

from app.kernel.runtime.configuration import ConfigKey

OFF: Final = "off"
WHEN_UNMATCHED: Final = "when-unmatched"

ADDONS_LANGUAGE_MODEL: Final = ConfigKey[str](
    name="addons.language-model",
    description=(
        "Whether the model at `LANGUAGE_MODEL_URL` proposes changes to a generated add-on that leaves lines unmatched."
    ),
    schema={"type": "string", "enum": [OFF, WHEN_UNMATCHED]},
    default=lambda _: OFF,
)

CONFIG_KEYS: Final = (ADDONS_LANGUAGE_MODEL,)
