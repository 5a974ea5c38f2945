"""The catalogue of sound requests and the OpenAPI document are about the same operations."""

from collections import Counter
from typing import Any

import pytest

from tests import operations_catalogue
from tests.operations_catalogue import CATALOGUE, TwiceInCatalogueError, collected, modes


def test_every_operation_has_exactly_one_entry(document: dict[str, Any]) -> None:
    documented = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    entered = {label: entry.id for label, entry in CATALOGUE.items()}
    assert documented.keys() - entered.keys() == set(), "operations without an entry in tests/operations_catalogue"
    assert entered.keys() - documented.keys() == set(), "entries without an operation"
    assert entered == documented, "an entry has another operation's id"
    assert [name for name, count in Counter(entered.values()).items() if count > 1] == []


def test_an_operation_entered_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    again = operations_catalogue.Operation("get_system_mode", "GET", "/system/mode")
    monkeypatch.setattr(modes, "OPERATIONS", (*modes.OPERATIONS, again))
    with pytest.raises(TwiceInCatalogueError, match="GET /system/mode"):
        collected()
