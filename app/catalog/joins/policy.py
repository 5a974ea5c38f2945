"""What speaks against accepting a join, and what makes an accepted one decay. Pure.

Both are statements of what was measured, in words: a person may decide otherwise, with a rationale that is kept.
"""

from dataclasses import dataclass
from math import isclose
from typing import Final

from app.warehouse.evidence.samples import JoinMeasure

NOTICEABLE: Final = 0.01
"""An orphan rate that grew by one row in a hundred or less since the acceptance is no decay."""


MOST_DIGITS: Final = 12
"""Digits of a number in a message: fewer than a double holds, so that `7.000000000000001` is 7."""


@dataclass(frozen=True, slots=True)
class JoinPolicy:
    """What may be accepted without an override."""

    max_orphan_rate: float
    """Share of the left's rows with a value that may meet no row of the right."""
    max_multiplication: float
    """Rows of the right that a row of the left may meet, on average: 1 lets no row be repeated."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """What samples say of a join."""

    before: JoinMeasure | None
    """At the last look; None where they said nothing."""
    now: JoinMeasure


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """Something that the policy has against a join. `code` is stable."""

    code: str
    message: str


def policy_faults(measure: JoinMeasure, policy: JoinPolicy) -> tuple[PolicyFault, ...]:
    """What the policy has against accepting a join that was measured so; empty when it may be accepted."""
    found: list[PolicyFault] = []
    if measure.left_matched_distinct == 0:
        message = "No value of the left occurs on the right, so the join has no rows."
        return (PolicyFault("no-match", message),)
    if measure.orphan_rate > policy.max_orphan_rate:
        rate, allowed = _told_apart(100 * measure.orphan_rate, 100 * policy.max_orphan_rate)
        message = (
            f"{rate} % of the left's rows with a value meet no row of the right ({measure.left_orphans:,} rows); the "
            f"policy allows {allowed} %."
        )
        found.append(PolicyFault("orphan-rate", message))
    rows = measure.multiplication
    if rows is not None and rows.mean > policy.max_multiplication:
        mean, allowed = _told_apart(rows.mean, policy.max_multiplication)
        message = (
            f"A row of the left meets {mean} rows of the right on average, at most {rows.max:,}; the policy allows "
            f"{allowed} on average."
        )
        found.append(PolicyFault("multiplication", message))
    return tuple(found)


def _told_apart(value: float, limit: float) -> tuple[str, str]:
    """Both in words: the limit as it was set, and a value above it with as many digits as show that it is above."""
    allowed = f"{limit:.{MOST_DIGITS}g}"
    shown = (f"{value:.{digits}f}" for digits in range(1, MOST_DIGITS))
    return next((each for each in shown if float(each) > float(allowed)), repr(value)), allowed


def decay(accepted: JoinMeasure, now: JoinMeasure, policy: JoinPolicy) -> tuple[str, ...]:
    """Why a join that was accepted with one measure does not hold with another; empty when it does."""
    found: list[str] = []
    if now.left_matched_distinct == 0 and accepted.left_matched_distinct > 0:
        return ("No value of the left occurs on the right any more.",)
    if accepted.right_unique and not now.right_unique:
        most = now.multiplication.max if now.multiplication else 0
        found.append(
            "The right had one row for each value when the join was accepted, and now has several"
            + (f": a row of the left meets up to {most:,}." if most > 1 else ".")
        )
    elif _mean(now) > max(_mean(accepted) * (1 + NOTICEABLE), policy.max_multiplication):
        found.append(
            f"A row of the left meets {_mean(now):.3g} rows of the right on average; it was {_mean(accepted):.3g}."
        )
    allowed = max(accepted.orphan_rate + NOTICEABLE, policy.max_orphan_rate)
    if now.orphan_rate > allowed and not isclose(now.orphan_rate, allowed):
        found.append(
            f"{now.orphan_rate:.1%} of the left's rows with a value meet no row of the right; it was "
            f"{accepted.orphan_rate:.1%}."
        )
    return tuple(found)


def is_news(accepted: JoinMeasure, decayed: bool, estimates: Estimates, policy: JoinPolicy) -> bool:
    """Whether samples say that a join holds which does not, or does not hold which does, so that it must be measured.

    Samples err. What they said at the last look as well was measured then, and is no news unless it became worse.

    Args:
        accepted: what the join did when it was accepted.
        decayed: whether it does not hold, as it was measured last.
        estimates: what samples say.
        policy: what may be accepted.
    """
    decays = bool(decay(accepted, estimates.now, policy))
    before = estimates.before
    if decays is decayed or before is None or bool(decay(accepted, before, policy)) is not decays:
        return decays is not decayed
    return bool(decay(before, estimates.now, policy))


def _mean(measure: JoinMeasure) -> float:
    return measure.multiplication.mean if measure.multiplication else 0.0
