"""Values of JSON texts as Python values, no digit lost: for inferring what type they have. Pure."""

from decimal import Decimal
from typing import Any

import msgspec


def exact_number(text: str) -> float | Decimal:
    """The number of a JSON text: a double, unless that would lose digits. Raises `ArithmeticError`: neither has it."""
    nearest = float(text)
    if repr(nearest) == text:
        return nearest
    exact = Decimal(text)
    return nearest if Decimal(repr(nearest)) == exact else exact


_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Any, float_hook=exact_number)


def json_value(raw: msgspec.Raw) -> Any:
    """The value of a JSON text; None of a null, and of what Python has no value for, as `1e9999999999999999999`."""
    try:
        return _VALUE.decode(raw)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return None
