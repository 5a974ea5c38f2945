"""Waiting ends when the thing has come, and says what never came."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from tests.waiting import eventually, eventually_blocking


def answering(*answers: object) -> Callable[[], object]:
    """A look that gives these answers in turn, and the last one ever after; exceptions are raised."""
    left: Iterator[object] = iter(answers)
    last = answers[-1]

    def look() -> object:
        answer = next(left, last)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return look


def awaited(look: Callable[[], object]) -> Callable[[], object]:
    async def asked() -> object:
        await asyncio.sleep(0)
        return look()

    return asked


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([True], None),
        ([0, None, "there"], None),
        ([AssertionError("not yet"), True], None),
        ([False], "the thing: not within 0.03 s, the last look gave False"),
        ([0, AssertionError("of its own")], "of its own"),
        ([LookupError("broken"), True], "broken"),
    ],
)
async def test_waiting_ends(answers: list[object], reason: str | None, plain: bool) -> None:
    look = answering(*answers)
    with pytest.raises((AssertionError, LookupError), match=reason) if reason else nullcontext():
        await eventually(look if plain else awaited(look), 0.03, 0.001, what="the thing")
    look = answering(*answers)
    with pytest.raises((AssertionError, LookupError), match=reason) if reason else nullcontext():
        eventually_blocking(look, 0.03, 0.001, what="the thing")


async def test_without_words_the_look_is_named() -> None:
    async def the_owl_is_back() -> bool:
        return False

    with pytest.raises(AssertionError, match="the_owl_is_back: not within 0 s"):
        await eventually(the_owl_is_back, 0)
