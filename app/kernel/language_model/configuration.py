"""Configuration that holds for whatever a language model is asked about."""

from typing import Final

from app.kernel.runtime.configuration import ConfigKey

LANGUAGE_MODEL_VALUES: Final = ConfigKey[bool](
    name="query.language-model-values",
    description=(
        "Whether values are sent to the language model: of columns that have few and are not private, and of lines of "
        "samples."
    ),
    schema={"type": "boolean"},
    default=lambda _: False,
)
"""Declared by the plane of questions, which was there first."""
