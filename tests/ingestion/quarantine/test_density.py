"""How many rows a body may hold for its bytes as sent: at the bound, below and above it."""

from collections.abc import AsyncIterator

import pytest

from app.ingestion.decoding.problems import BodyTooDense
from app.ingestion.quarantine.density import (
    REFUSED_GRACE,
    REFUSED_PER_BYTE,
    ROWS_GRACE,
    ROWS_PER_BYTE,
    RowDensity,
    within_density,
)


@pytest.mark.parametrize(
    ("rows", "refused", "sent", "passes"),
    [
        (ROWS_GRACE, 0, 0, True),
        (ROWS_GRACE + 1, 0, 0, False),
        (ROWS_GRACE + ROWS_PER_BYTE * 1000, 0, 1000, True),
        (ROWS_GRACE + ROWS_PER_BYTE * 1000 + 1, 0, 1000, False),
        (REFUSED_GRACE + 1, REFUSED_GRACE, 0, True),
        (REFUSED_GRACE + 2, REFUSED_GRACE + 1, 0, False),
        (REFUSED_GRACE + 1, REFUSED_GRACE + 1, 0, True),
        (10**6, REFUSED_GRACE + REFUSED_PER_BYTE * 5865, 5865, True),
        (10**6, REFUSED_GRACE + REFUSED_PER_BYTE * 5865 + 1, 5865, False),
        (10**9, 0, 10**9, True),
        (10**9, 10**9, 2 * 10**9, True),
    ],
)
def test_bounds(rows: int, refused: int, sent: int, passes: bool) -> None:
    density = RowDensity()
    density.count(rows // 2, refused // 2, sent)
    if passes:
        density.count(rows - rows // 2, refused - refused // 2, sent)
        return
    with pytest.raises(BodyTooDense):
        density.count(rows - rows // 2, refused - refused // 2, sent)


async def test_a_reader_is_closed_with_its_last_block_wherever_that_is() -> None:
    closed: list[int] = []

    async def blocks() -> AsyncIterator[int]:
        try:
            for number in range(5):
                yield number
        finally:
            closed.append(1)

    def rows(number: int) -> tuple[int, int]:
        return ROWS_GRACE if number == 3 else 1, 0

    dense = within_density(blocks(), rows, lambda: 0)
    assert [await anext(dense) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(BodyTooDense):
        await anext(dense)
    assert closed == [1]
    early = within_density(blocks(), rows, lambda: 0)
    assert await anext(early) == 0
    await early.aclose()
    assert closed == [1, 1]
