"""A person here as the claims of an ID token describe them: roles, and a name to begin with. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from app.access.naming import NAME_PATTERN, normalised_name

MAX_TEXT = 200
"""Characters of a display name or e-mail address that are kept."""
_NAME = re.compile(NAME_PATTERN)
_FOREIGN = re.compile(r"[^a-z0-9._@+-]+")
_LONGEST = 56
"""Characters, of 64: so there is room for a number."""
NAMELESS = "person"


def mapped_roles(
    claims: Mapping[str, Any], claim: str | None, mapping: Mapping[str, Sequence[str]]
) -> frozenset[str] | None:
    """The roles that the claim gives, perhaps none; None when no claim is configured to give roles."""
    if claim is None:
        return None
    found = _found(claims, claim)
    values = found if isinstance(found, list) else [found]
    return frozenset(role for value in values if isinstance(value, str) for role in mapping.get(value, ()))


def _found(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name, else what the dots lead to (`realm_access.roles`)."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def usernames(claims: Mapping[str, Any]) -> Iterator[str]:
    """Names for a new person, best first, without end: the provider's own, then with a number."""
    wanted = claims.get("preferred_username")
    name = _FOREIGN.sub("-", normalised_name(wanted)) if isinstance(wanted, str) else ""
    name = name.lstrip("._@+-")[:_LONGEST]
    if _NAME.fullmatch(name) is None:
        name = NAMELESS
    yield name
    for number in count(2):
        yield f"{name}-{number}"


def text(claims: Mapping[str, Any], claim: str) -> str | None:
    """A claim as text to keep, cut to a bounded length; None when there is none."""
    value = claims.get(claim)
    return value[:MAX_TEXT] if isinstance(value, str) and value and "\x00" not in value else None
