"""What holds the loop up is found, however it does, and what waits or computes elsewhere is not."""

import asyncio
import time

import pytest

from tests import promises
from tests.lag import prompt_loop

HELD = 0.2


def compute(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has nothing else to do."""
    monkeypatch.setattr(promises, "slowdown", lambda: 1.0)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("hold", [compute, time.sleep])
@pytest.mark.parametrize("then", [0.0, 0.05])
async def test_a_held_loop_is_found_at_the_end_of_the_block_too(hold: object, then: float) -> None:
    with pytest.raises(AssertionError, match=r"held up by a long sum: 0\.[2-9]\d s instead of 0\.1"):  # noqa: PT012 - the block is what is tested
        async with prompt_loop(what="a long sum"):
            await asyncio.sleep(0.02)
            hold(HELD)  # type: ignore[operator]
            await asyncio.sleep(then)


async def test_waiting_and_computing_in_pieces_or_in_a_thread_hold_nothing_up() -> None:
    async with prompt_loop() as lag:
        await asyncio.sleep(HELD)
        await asyncio.to_thread(compute, HELD)
        for _ in range(20):
            compute(0.01)
            await asyncio.sleep(0)
    assert lag.worst > 0


async def test_a_busy_machine_gets_as_much_more_as_it_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "slowdown", lambda: 20.0)
    async with prompt_loop() as lag:
        compute(HELD)
    assert lag.worst >= HELD - 0.01
    assert lag.slowest == 20


async def test_an_error_in_the_block_is_the_error_of_the_block() -> None:
    with pytest.raises(LookupError):
        async with prompt_loop():
            raise LookupError


def use_the_processor(seconds: float) -> None:
    """Compute until a processor has worked so long for this thread, however busy the machine is."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))


@pytest.mark.parametrize(("hold", "passes"), [(use_the_processor, False), (time.sleep, True)])
async def test_what_others_computed_counts_less_on_a_busy_machine(
    monkeypatch: pytest.MonkeyPatch, hold: object, passes: bool
) -> None:
    monkeypatch.setattr(promises, "slowdown", lambda: 3.0)
    try:
        async with prompt_loop():
            hold(2 * HELD)  # type: ignore[operator]
    except AssertionError:
        assert not passes
    else:
        assert passes
