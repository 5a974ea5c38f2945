"""What the process that reads a document hands back, as JSON: passages, or why there are none."""

from typing import Final

import msgspec

MAX_BYTES: Final = 48 * 1024 * 1024
"""Of the JSON: four million characters of four bytes, with their headings and names."""


class ReadPassage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passage, and the names in it."""

    headings: list[str]
    text: str
    defined: list[str]
    mentioned: list[str]


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was read, or the reason why nothing was."""

    title: str | None = None
    pages: int | None = None
    passages: list[ReadPassage] = []
    reason: str | None = None
    message: str = ""
