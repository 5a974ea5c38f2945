"""What of a document is not in another one."""

from collections.abc import Iterator
from typing import Any

OURS = ("/status",)
"""What an export says in its own words."""


def losses(before: Any, after: Any, pointer: str = "") -> Iterator[str]:
    """Places of the one document whose value is gone, changed, or in another order in the other; more may be there."""
    if pointer in OURS:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        if list(before) != [name for name in after if name in before]:
            yield f"{pointer}: {list(before)} became {list(after)}"
        for name in before.keys() & after.keys():
            yield from losses(before[name], after[name], f"{pointer}/{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) <= len(after):
        for index, item in enumerate(before):
            yield from losses(item, after[index], f"{pointer}/{index}")
    elif before != after or type(before) is not type(after):
        yield f"{pointer}: {before!r} became {after!r}"
