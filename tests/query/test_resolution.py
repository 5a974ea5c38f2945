"""Which version of a logical table a query reads."""

import pytest

from app.query.resolution import visible_version
from tests.query.relations import relation


@pytest.mark.parametrize(
    ("states", "deprecated", "version"),
    [
        ([], False, None),
        (["SHADOW"], True, None),
        (["ACTIVE"], False, 1),
        (["READ_ONLY"], False, 1),
        (["DEPRECATED"], False, None),
        (["DEPRECATED"], True, 1),
        (["DEPRECATED", "ACTIVE"], True, 2),
        (["ACTIVE", "READ_ONLY", "SHADOW"], False, 1),
        (["READ_ONLY", "READ_ONLY"], False, 2),
        (["DEPRECATED", "DEPRECATED", "SHADOW"], True, 2),
    ],
)
def test_active_then_read_only_then_deprecated_on_request(
    states: list[str], deprecated: bool, version: int | None
) -> None:
    versions = [relation("flights", version=index + 1, state=state) for index, state in enumerate(states)]
    found = visible_version(versions, deprecated=deprecated)
    assert (found.version if found else None) == version
