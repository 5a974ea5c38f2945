"""How many rows a body may hold for its bytes as sent: what is packed well must not become work without end.

`decoding/inflate.py` bounds what a body unpacks to. Rows can be denser than that: two million of `{}` pack into 6 kB,
and a column of one value into some bytes of a Parquet file, which is packed by itself.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TypeVar, cast

from app.ingestion.decoding.problems import BodyTooDense

ROWS_GRACE = 1_000_000
"""Rows that any body may have; read in some seconds."""

ROWS_PER_BYTE = 8
"""Rows beyond that for each byte sent. Rows with keys of their own take more than a bit each in every format."""

REFUSED_GRACE = 100_000
"""Refused rows that any body may have; each costs several times what an accepted one does. While none is accepted,
`RefusalBounds.at_first` ends the reading."""

REFUSED_PER_BYTE = 1
"""Refused rows beyond that for each byte sent: a row of data takes more than a byte, well packed as it may be."""

Block = TypeVar("Block")


class RowDensity:
    """Counts the rows of a body."""

    def __init__(self) -> None:
        self._rows = 0
        self._refused = 0

    def count(self, rows: int, refused: int, sent: int) -> None:
        """Count further rows, so many of them refused, of a body of which so many bytes came. Raises `BodyTooDense`."""
        self._rows += rows
        self._refused += refused
        if self._rows > ROWS_GRACE + ROWS_PER_BYTE * sent:
            raise BodyTooDense(f"the body has {self._rows} rows or more in {sent} bytes; split it, or pack it less")
        if self._rows > self._refused > REFUSED_GRACE + REFUSED_PER_BYTE * sent:
            raise BodyTooDense(f"{self._refused} rows or more of a body of {sent} bytes were refused")


async def within_density(
    blocks: AsyncIterator[Block], rows: Callable[[Block], tuple[int, int]], sent: Callable[[], int]
) -> AsyncGenerator[Block, None]:
    """The blocks of a body, which end with it when their reader is closed.

    Args:
        blocks: what a reader makes of the body.
        rows: how many rows a block has, and how many of them are refused.
        sent: bytes of the body that came so far.

    Raises:
        BodyTooDense: more rows than the bytes as sent may hold.
    """
    density = RowDensity()
    async with aclosing(cast("AsyncGenerator[Block, None]", blocks)):
        async for block in blocks:
            density.count(*rows(block), sent())
            yield block
