"""Evaluations in process, through the OpenFeature SDK and our provider: microseconds each, against a bound of 50.

usage: python -m benchmarks.flags
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from app.kernel.ids import new_id
from app.kernel.security.authorization import Actor, ActorKind
from app.operations.flags.definition import Flag, FlagType, rule
from app.operations.flags.evaluation import allocated
from app.operations.flags.provider import Flags, FlagView

BOUND = 50.0
ROUNDS, CALLS = 7, 20_000
VARIANTS = {"on": True, "off": False}


def view() -> FlagView:
    """Two hundred flags; one with five rules of many values, of which the last one splits."""
    slots = [[slot.variant, slot.start, slot.end] for slot in allocated((), {"on": 1000})]
    rules: list[dict[str, Any]] = [
        {
            "name": f"rule-{number}",
            "when": [
                {"subject": "role", "values": ["NOBODY"]},
                {"subject": "attribute", "attribute": "user_name", "values": [f"user-{each}" for each in range(500)]},
            ],
            "variant": "on",
        }
        for number in range(4)
    ]
    split = {"name": "split", "when": [], "split": [], "slots": slots}
    flags = {f"flag-{number}": _flag(f"flag-{number}") for number in range(198)}
    flags["static"], flags["rules"] = _flag("static"), _flag("rules", *rules, split)
    return FlagView(flags, 1)


def _flag(key: str, *rules: Mapping[str, Any]) -> Flag:
    return Flag(key, FlagType.BOOLEAN, VARIANTS, "off", "off", True, tuple(rule(each) for each in rules), 1)  # noqa: FBT003 - enabled


def micros(call: Callable[[], object]) -> float:
    """Microseconds of processor time of a call: the median of the rounds' means."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            call()
        rounds.append((time.process_time() - began) / CALLS * 1e6)
    return sorted(rounds)[ROUNDS // 2]


def main() -> None:
    """Print what each kind of evaluation costs."""
    flags = Flags()
    flags.replace(view())
    actor = Actor(ActorKind.USER, new_id(), "ada", frozenset({"ENGINEER", "ANALYST"}))
    kinds: dict[str, Callable[[], object]] = {
        "static": lambda: flags.boolean("static", default=False, actor=actor),
        "five rules, split": lambda: flags.boolean("rules", default=False, actor=actor),
        "unknown flag": lambda: flags.boolean("nothing", default=False, actor=actor),
    }
    for name, call in kinds.items():
        cost = micros(call)
        print(f"{name:<20} {cost:6.1f} µs   {'within' if cost <= BOUND else 'ABOVE'} {BOUND:.0f} µs")


if __name__ == "__main__":
    main()
