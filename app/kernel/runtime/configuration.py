"""Values that are decided while the service runs: typed keys, and what is in force of them in this process.

A domain declares its keys beside the code that reads them; the environment's settings stay the defaults. Reading costs
a look into a dictionary: `resources.configured(KEY)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from app.settings import Settings

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)  # without slots: generics cannot be frozen with them in Python 3.11
class ConfigKey(Generic[Value]):
    """A value that can be decided at run time."""

    name: str
    """`domain.what-with-unit`, such as `query.preview-lifetime-seconds`."""
    description: str
    """What it does, in a sentence."""
    schema: Mapping[str, Any]
    """JSON Schema (2020-12) of its values; never null."""
    default: Callable[[Settings], Value]
    """What holds when nothing was decided."""
    secret: bool = False
    """Kept encrypted and shown masked; a text."""
    restart_needed: bool = False
    """Whether processes read it at their start alone."""
    applied: Callable[[Settings, Value], None] | None = None
    """Called in every process when another value comes into force."""


class ConfigurationInForce:
    """What was decided, as this process saw it last: at most a second old while the database answers."""

    __slots__ = ("_settings", "_values")

    def __init__(self, settings: Settings) -> None:
        """Keys that nothing was decided about have the settings' values."""
        self._settings = settings
        self._values: Mapping[str, Any] = {}

    def value(self, key: ConfigKey[Value]) -> Value:
        """The value in force, which costs nothing to ask for: ask each time, and keep it for one piece of work."""
        if key.name in self._values:
            return cast("Value", self._values[key.name])
        return key.default(self._settings)

    def replace(self, values: Mapping[str, Any]) -> None:
        """Let these hold from now on, by name; the defaults for all others."""
        self._values = values
