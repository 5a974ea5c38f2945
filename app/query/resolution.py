"""Which version of a logical table a query reads: ACTIVE, else READ_ONLY, else DEPRECATED on request; SHADOW never."""

from collections.abc import Iterable
from typing import Final

from app.query.relations import RelationView

_ORDER: Final = ("ACTIVE", "READ_ONLY")
_ON_REQUEST: Final = "DEPRECATED"


def visible_version(versions: Iterable[RelationView], *, deprecated: bool = False) -> RelationView | None:
    """The version of one logical table that a query reads, the newest within a state; None if none is readable.

    `deprecated` says that the caller asked for deprecated tables by flag.
    """
    newest_first = sorted(versions, key=lambda version: version.version, reverse=True)
    for state in (*_ORDER, *((_ON_REQUEST,) if deprecated else ())):
        for version in newest_first:
            if version.state == state:
                return version
    return None
