"""Trying again while a relation is busy, on a clock that is set by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.warehouse.evolution import RelationBusy, with_retries
from app.warehouse.evolution.patience import LOCK_TIMEOUT_MS, LONGEST_PAUSE_SECONDS


@dataclass
class Tries:
    """Work that finds the relation busy so many times, and what was waited."""

    busy: int
    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)
    begun: int = 0
    committed: int = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[int]:
        self.begun += 1
        yield self.begun
        self.committed += 1

    async def work(self, transaction: int) -> str:
        self.seconds += LOCK_TIMEOUT_MS / 1000
        if transaction <= self.busy:
            raise RelationBusy
        return f"done by {transaction}"

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds

    async def run(self, give_up_after: float = 30.0, share: float = 0.5) -> str:
        return await with_retries(
            self.transaction,
            self.work,
            give_up_after_seconds=give_up_after,
            sleep=self.sleep,
            now=lambda: self.seconds,
            jitter=lambda low, high: low + share * (high - low),
        )


async def test_every_try_has_a_transaction_of_its_own_and_the_last_is_committed() -> None:
    tries = Tries(busy=3)
    assert await tries.run() == "done by 4"
    assert (tries.begun, tries.committed, len(tries.pauses)) == (4, 1, 3)


async def test_who_finds_the_relation_free_does_not_wait() -> None:
    tries = Tries(busy=0)
    assert await tries.run(give_up_after=0) == "done by 1"
    assert tries.pauses == []


@given(share=st.floats(0, 1), busy=st.integers(1, 8))
async def test_those_who_wait_get_through_between_two_tries(share: float, busy: int) -> None:
    tries = Tries(busy)
    await tries.run(give_up_after=1000, share=share)
    assert all(2 * LOCK_TIMEOUT_MS / 1000 <= pause <= LONGEST_PAUSE_SECONDS for pause in tries.pauses)


@given(share=st.floats(0, 1), give_up_after=st.floats(0, 60))
async def test_no_try_begins_later_than_was_said(share: float, give_up_after: float) -> None:
    tries = Tries(busy=1000)
    with pytest.raises(RelationBusy):
        await tries.run(give_up_after, share)
    assert tries.seconds - LOCK_TIMEOUT_MS / 1000 <= give_up_after + 1e-9
    assert tries.committed == 0


async def test_other_errors_are_not_tried_again() -> None:
    async def fails(_: int) -> None:
        raise ValueError

    tries = Tries(busy=0)
    with pytest.raises(ValueError):  # noqa: PT011 - the one that is raised above
        await with_retries(tries.transaction, fails, sleep=tries.sleep)
    assert (tries.begun, tries.committed) == (1, 0)
