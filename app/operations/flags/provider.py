"""The flags as this process saw them last, a provider of them for the OpenFeature SDK, and `Flags` for our own code.

The view is replaced whole, so that an evaluation sees one state and costs no I/O.

What goes wrong is the caller's default with OpenFeature's error code: an evaluation never fails and never waits.
"""

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import FlagNotFoundError, ProviderNotReadyError, TypeMismatchError
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagResolutionDetails, FlagValueType
from openfeature.provider import AbstractProvider, Metadata

from app.kernel.security.authorization import Actor, ActorKind, subject_of
from app.operations.flags.definition import Flag, FlagType, rule
from app.operations.flags.evaluation import Context, evaluate
from app.operations.flags.models import FlagRow

NAME: Final = "spyne"
log = logging.getLogger(__name__)
_NOBODY: Final = EvaluationContext()
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class FlagView:
    """The flags of one moment."""

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
        """The keys of the flags that differ, once these are in force."""
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


class SpyneProvider(AbstractProvider):
    """Resolves flags from memory."""

    def __init__(self, flags: FlagsInForce) -> None:
        super().__init__()
        self._flags = flags
        self._metadata = Metadata(name=NAME)

    def get_metadata(self) -> Metadata:
        """Our name."""
        return self._metadata

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """A truth value. Raises OpenFeature's errors, which its client turns into the default; so do all below."""
        del default_value
        return self._resolved(flag_key, FlagType.BOOLEAN, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A text."""
        del default_value
        return self._resolved(flag_key, FlagType.STRING, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """A whole number; another one is a mismatch."""
        del default_value
        found = self._resolved(flag_key, FlagType.NUMBER, evaluation_context)
        if int(found.value) != found.value:
            raise TypeMismatchError(f"The flag {flag_key!r} has {found.value}, which is no whole number.")
        found.value = int(found.value)
        return found

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A number."""
        del default_value
        found = self._resolved(flag_key, FlagType.NUMBER, evaluation_context)
        found.value = float(found.value)
        return found

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """An object."""
        del default_value
        return self._resolved(flag_key, FlagType.OBJECT, evaluation_context)

    def _resolved(self, key: str, wanted: FlagType, context: EvaluationContext | None) -> FlagResolutionDetails[Any]:
        flag = self._flags.flag(key)
        if flag.type is not wanted:
            raise TypeMismatchError(f"The flag {key!r} is of type {flag.type.value}.")
        asked = context or _NOBODY
        found = evaluate(flag, Context(asked.targeting_key, asked.attributes))
        return FlagResolutionDetails(
            found.value, reason=found.reason, variant=found.variant, flag_metadata=found.metadata
        )


class Flags:
    """Flags for our own code: `resources.extensions.of(Flags).boolean("key", default=False, actor=actor)`."""

    def __init__(self) -> None:
        self.in_force = FlagsInForce()
        self._provider = SpyneProvider(self.in_force)
        # Providers belong to the process by domain; a test may have several sets of resources in one.
        domain = f"{NAME}-{next(_numbers)}"
        api.set_provider_and_wait(self._provider, domain)
        self.client: OpenFeatureClient = api.get_client(domain)

    def replace(self, view: FlagView) -> None:
        """Let these be the flags from now on; handlers of OpenFeature's configuration event learn which differ."""
        changed = self.in_force.replace(view)
        if changed:
            self._provider.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=changed))

    def boolean(self, key: str, *, default: bool, actor: Actor | None = None) -> bool:
        """The flag for the actor; the default when there is no such flag or it cannot be evaluated."""
        return self.client.get_boolean_value(key, default, context_of(actor))

    def string(self, key: str, *, default: str, actor: Actor | None = None) -> str:
        """The text that a flag has for the actor; the default as with `boolean`."""
        return self.client.get_string_value(key, default, context_of(actor))

    def number(self, key: str, *, default: float, actor: Actor | None = None) -> float:
        """The number that a flag has for the actor; the default as with `boolean`."""
        return self.client.get_float_value(key, default, context_of(actor))

    def explained(self, key: str, *, default: bool, actor: Actor | None = None) -> FlagEvaluationDetails[bool]:
        """The flag for the actor with variant, reason and error code."""
        return self.client.get_boolean_details(key, default, context_of(actor))


def context_of(actor: Actor | None) -> EvaluationContext:
    """Whom the actor is, as rules see it: targeting key `user:<id>` or `client:<id>`, attributes by kind, and roles."""
    if actor is None:
        return _NOBODY
    attributes: dict[str, Any] = {"roles": sorted(actor.roles), "kind": actor.kind.value}
    if actor.kind is not ActorKind.SYSTEM:
        prefix = "user" if actor.kind is ActorKind.USER else "client"
        attributes |= {f"{prefix}_id": str(actor.id), f"{prefix}_name": actor.label}
    return EvaluationContext(subject_of(actor), attributes)
