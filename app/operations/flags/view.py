"""The flags as this process saw them last: replaced whole, so that an evaluation sees one state and costs no I/O."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from openfeature.exception import FlagNotFoundError, ProviderNotReadyError

from app.operations.flags.definition import Flag, FlagType, rule
from app.operations.flags.models import FlagRow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FlagView:
    """One state of all flags."""

    flags: Mapping[str, Flag] = field(default_factory=dict)
    revision: int = 0

    def changed_since(self, before: "FlagView") -> list[str]:
        """Keys of the flags that differ, sorted."""
        keys = self.flags.keys() | before.flags.keys()
        return sorted(key for key in keys if self.flags.get(key) != before.flags.get(key))


class FlagsInForce:
    """The view that counts now."""

    __slots__ = ("_view",)

    def __init__(self) -> None:
        self._view: FlagView | None = None

    def replace(self, view: FlagView) -> list[str]:
        """Let these be the flags from now on; answers the keys of those that differ."""
        before, self._view = self._view or FlagView(), view
        return view.changed_since(before)

    def current(self) -> FlagView:
        """The view. Raises OpenFeature's `ProviderNotReadyError` before there is one."""
        if self._view is None:
            raise ProviderNotReadyError("The flags have not been read yet.")
        return self._view

    def flag(self, key: str) -> Flag:
        """The flag. Raises OpenFeature's `FlagNotFoundError` and `ProviderNotReadyError`."""
        found = self.current().flags.get(key)
        if found is None:
            raise FlagNotFoundError(f"There is no flag {key!r}.")
        return found


def view_of(rows: Iterable[FlagRow], revision: int) -> FlagView:
    """A view of stored flags; one that another version of the service wrote and we cannot read is left out."""
    flags: dict[str, Flag] = {}
    for row in rows:
        try:
            flags[row.key] = _flag(row)
        except (KeyError, ValueError, TypeError) as error:
            log.warning("a flag cannot be read", extra={"flag": row.key, "error": type(error).__name__})
    return FlagView(flags, revision)


def _flag(row: FlagRow) -> Flag:
    return Flag(
        key=row.key,
        type=FlagType(row.type),
        variants=row.variants,
        default_variant=row.default_variant,
        off_variant=row.off_variant,
        enabled=row.enabled,
        rules=tuple(rule(document) for document in row.rules),
        version=row.version,
    )
