"""A sound request of every operation, once: for the matrix, bad and odd input, the shield and Schemathesis.

Each module beside this one that has `OPERATIONS` is a domain's. tests/test_operations_catalogue.py compares them with
the OpenAPI document.
"""

import importlib
import pkgutil

from tests.operations_catalogue.operation import Operation


class TwiceInCatalogueError(ValueError):
    """Two entries are for one operation."""


def collected() -> dict[str, Operation]:
    """Every entry, by method and path. Raises `TwiceInCatalogueError`."""
    found: dict[str, Operation] = {}
    for module in pkgutil.iter_modules(__path__):
        entries = getattr(importlib.import_module(f"{__name__}.{module.name}"), "OPERATIONS", ())
        for entry in entries:
            if found.setdefault(entry.label, entry) is not entry:
                raise TwiceInCatalogueError(entry.label)
    return found


CATALOGUE = collected()
"""Every entry, by method and path."""
