"""Decoys: addresses and keys that nobody has a reason to use. Pure.

A decoy address is never served: its request goes the way of every unknown path, so it looks like one.
"""

import re
from collections.abc import Sequence
from typing import Final

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match

MAX_PATH: Final = 500
_PATH: Final = re.compile(r"/[!-~]*")


def decoy_path(path: str) -> str:
    """The one way to write a decoy address: lower case, without a slash at its end."""
    return path.lower().rstrip("/")


def path_fault(path: str) -> str | None:
    """Why this cannot be a decoy address, or None."""
    if not _PATH.fullmatch(path) or len(path) > MAX_PATH:
        return "An address begins with a slash and has printable ASCII characters only."
    if "?" in path or "#" in path or "%" in path:
        return "Write the path alone, not escaped, without a query."
    return None if decoy_path(path) else "The root is no decoy."


def is_route_in_use(path: str, routes: Sequence[BaseRoute]) -> bool:
    """Whether a request of any method for the path, in this or the decoys' way of writing it, reaches an operation."""
    return any(_matches(each, routes) for each in {path, decoy_path(path), decoy_path(path) + "/"})


def _matches(path: str, routes: Sequence[BaseRoute]) -> bool:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": [], "query_string": b""}
    return any(context.matches(scope)[0] is not Match.NONE for context in iter_route_contexts(routes))
