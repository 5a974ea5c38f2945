"""What the process that reads a document hands back, as JSON: passages, or why there are none."""

import re
from typing import Final

import msgspec

from app.addons.knowledge.reading.blocks import MAX_DEPTH, MAX_HEADING, Reason
from app.addons.knowledge.reading.chunking import MAX_PASSAGE, MAX_PASSAGES
from app.addons.knowledge.reading.field_names import MAX_NAME, MAX_NAMES

MAX_BYTES: Final = 48 * 1024 * 1024
"""Of the JSON: four million characters of four bytes, with their headings and names."""


MAX_MESSAGE: Final = 200
"""Characters of a reason in words."""


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


_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NAMES: Final = re.compile(r"[a-z0-9]+")


def is_sound(outcome: Outcome) -> bool:
    """Whether this is what a reader writes: its bounds are kept, and no controls are in it."""
    if outcome.reason is not None:
        return outcome.reason in set(Reason) and len(outcome.message) <= MAX_MESSAGE and outcome.message.isprintable()
    return (
        0 < len(outcome.passages) <= MAX_PASSAGES
        and (outcome.pages is None or 0 < outcome.pages < 2**31)
        and len(outcome.title or "") <= MAX_HEADING
        and not _CONTROLS.search(outcome.title or "")
        and all(_is_sound(passage) for passage in outcome.passages)
    )


def _is_sound(passage: ReadPassage) -> bool:
    names = [*passage.defined, *passage.mentioned]
    return (
        0 < len(passage.text) <= MAX_PASSAGE
        and len(passage.headings) <= MAX_DEPTH
        and all(len(heading) <= MAX_HEADING and not _CONTROLS.search(heading) for heading in passage.headings)
        and not _CONTROLS.search(passage.text)
        and len(names) <= 2 * MAX_NAMES
        and all(len(name) <= MAX_NAME and _NAMES.fullmatch(name) for name in names)
    )
