"""The catalogue of keys, and whether a value fits one. Pure.

What is said of a value that does not fit comes from the schema alone: the value may be a secret.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import getitem
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, ValidationError

from app.kernel.ports.catalogue import Catalogue
from app.kernel.problems import Fault, NotFound, pointer_to
from app.kernel.runtime.configuration import ConfigKey
from app.kernel.security.at_rest import MASK, masked

MAX_FAULTS: Final = 50
NEAREST: Final = 3
MAX_COMPARED: Final = 64
"""Characters of a wrong name that are compared with the right ones."""


class InvalidKeyError(ValueError):
    """A key is secret and no text: a bug."""


class ConfigurationKeyNotFound(NotFound):
    """The catalogue has no such key."""

    code, title = "unknown-key", "There is no such configuration key"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        nearest = difflib.get_close_matches(name[:MAX_COMPARED].lower(), list(known), n=NEAREST, cutoff=0.4)
        where = f"The nearest are {', '.join(nearest)}." if nearest else "GET /system/config lists the keys."
        super().__init__(where, nearest=nearest)


class ConfigKeys(Catalogue[ConfigKey[Any]]):
    """Every key of the service, in the order of their names."""

    def __init__(self, keys: Iterable[ConfigKey[Any]] = ()) -> None:
        """Raises `TwiceNamedError`, and `InvalidKeyError` for a key that cannot be decided."""
        super().__init__(sorted(keys, key=lambda key: key.name))
        for key in self:
            if key.secret and key.schema.get("type") != "string":
                raise InvalidKeyError(f"{key.name} is secret and no text.")
        self._validators = {key.name: Draft202012Validator(dict(key.schema)) for key in self}

    def of(self, name: str) -> ConfigKey[Any]:
        """The key. Raises `ConfigurationKeyNotFound` with the nearest names."""
        found = self.get(name)
        if found is None:
            raise ConfigurationKeyNotFound(name, self.names())
        return found

    def faults(self, key: ConfigKey[Any], value: Any) -> list[Fault]:
        """Everything that is wrong with a value of the key, by pointer into `{"value": …}`."""
        if key.secret and isinstance(value, str) and MASK in value:
            return [Fault(pointer="/value", code="masked", message="This is the masked form; give the secret itself.")]
        errors = sorted(self._validators[key.name].iter_errors(value), key=_place)
        return [_fault(error, key.schema) for error in errors[:MAX_FAULTS]]

    def fits(self, key: ConfigKey[Any], value: Any) -> bool:
        """Whether the value is one of the key's."""
        return self._validators[key.name].is_valid(value)


def _place(error: ValidationError) -> list[str]:
    return [str(step) for step in error.instance_path]


def _fault(error: ValidationError, schema: Any) -> Fault:
    rule, pointer = error.kind.name, "/value" + pointer_to(error.instance_path)
    wanted = json.dumps(reduce(getitem, error.schema_path, schema), ensure_ascii=False)[:200]
    words = _WORDS.get(rule, f"It does not fit {rule}:")
    return Fault(pointer=pointer, code=_CODES.get(rule, rule.lower()), message=f"{words} {wanted}.")


_CODES: Final = {"minLength": "too-short", "maxLength": "too-long", "minimum": "too-small", "maximum": "too-large"} | {
    "exclusiveMinimum": "too-small",
    "exclusiveMaximum": "too-large",
    "additionalProperties": "unknown-field",
    "required": "missing",
}
_WORDS: Final = {
    "type": "It must be of type",
    "enum": "It must be one of",
    "minimum": "It must be at least",
    "maximum": "It must be at most",
    "exclusiveMinimum": "It must be more than",
    "exclusiveMaximum": "It must be less than",
    "minLength": "It must have at least this many characters:",
    "maxLength": "It must have at most this many characters:",
    "pattern": "It must match",
    "required": "It must have all of",
}


def normal(schema: Mapping[str, Any], value: Any) -> Any:
    """The value in the type that its readers expect: JSON knows one kind of number, where `30.0` is an integer."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return int(value) if schema.get("type") == "integer" else float(value)


def shown(key: ConfigKey[Any], value: Any) -> Any:
    """The value as it may be shown: a secret is masked."""
    return masked(str(value)) if key.secret and value is not None else value
