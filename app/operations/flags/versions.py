"""Semantic versions and their order (semver.org 2.0.0, sections 9 to 11)."""

import re
from functools import lru_cache

_NUMBER = r"(0|[1-9]\d{0,17})"
_PART = r"(?:0|[1-9]\d{0,17}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PART}(?:\.{_PART})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
MAX_LENGTH = 256

Order = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


@lru_cache(maxsize=4096)
def order(text: str) -> Order | None:
    """What versions are ordered by; None for what is no version."""
    found = _VERSION.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        return None
    major, minor, patch, before = found.groups()
    # A version without pre-release comes after all that have one; numbers come before words.
    parts = ((2, 0, ""),) if before is None else tuple(_part(part) for part in before.split("."))
    return int(major), int(minor), int(patch), parts


def _part(text: str) -> tuple[int, int, str]:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
