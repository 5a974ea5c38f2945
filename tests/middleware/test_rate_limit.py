"""A window takes exactly the amount of its rule, says what is left, and refuses the rest until it ends."""

import re

import pytest
from starlette.types import Receive, Scope, Send

from app.kernel.security.authorization import Recognised
from app.middleware import rate_limit
from app.middleware.credentials import Credentials
from app.middleware.rate_limit import RateLimit
from app.operations.security.edge.counting import window_end
from app.operations.security.edge.edge_state import Edge, EdgeView
from app.operations.security.edge.rates import RateRule, RateScope, RouteClass, in_force
from tests.middleware.asgi import Answer, call

PATH = "/api/tables"
START = 1_800_000_000.25
LEFT = re.compile(r'"([a-z-]+)";r=(\d+);t=(\d+)')


async def welcoming(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Clock:
    """Stands for the time of the layer."""

    now = START

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", clock)
    return clock


def counting(*rules: RateRule, caller: Recognised | None = None) -> Credentials:
    """The layer with these rules, in a process that knows every credential as this caller's."""
    edge = Edge()
    edge.view = EdgeView(rates=in_force(rules))
    edge.recognised = lambda _: caller
    return Credentials(RateLimit(welcoming, edge))


def reading(scope: RateScope, amount: int, seconds: int = 60) -> RateRule:
    return RateRule(RouteClass.READ, scope, amount, seconds)


def told(answer: Answer) -> tuple[int, list[tuple[str, int]]]:
    """The status, and what each rule has left."""
    return answer.status, [(name, int(left)) for name, left, _ in LEFT.findall(answer.headers["ratelimit"])]


async def test_a_window_takes_its_amount_and_not_one_more_and_the_next_one_begins_anew(clock: Clock) -> None:
    app = counting(reading(RateScope.ADDRESS, 3))
    end = window_end("read-address:127.0.0.1", 60, START)
    found = [told(await call(app, path=PATH)) for _ in range(5)]
    assert [status for status, _ in found] == [200, 200, 200, 429, 429]
    assert [left for _, ((_, left),) in found] == [2, 1, 0, 0, 0]
    clock.now = end - 0.5
    last = await call(app, path=PATH)
    assert (last.status, last.headers["retry-after"], last.problem["violated-policies"]) == (429, "1", ["read-address"])
    clock.now = end
    assert told(await call(app, path=PATH)) == (200, [("read-address", 2)])


@pytest.mark.parametrize(
    ("rule", "own", "statuses", "violated"),
    [
        (3, 2, [200, 200, 429, 429], ["client"]),
        (2, 3, [200, 200, 429], ["read-caller"]),
        (2, 2, [200, 200, 429], ["read-caller", "client"]),
        (2, None, [200, 200, 429], ["read-caller"]),
        (None, 2, [200, 200, 429], ["client"]),
        (None, None, [200, 200, 200], None),
    ],
)
@pytest.mark.usefixtures("clock")
async def test_the_narrower_of_a_rule_and_the_callers_own_bound_counts(
    rule: int | None, own: int | None, statuses: list[int], violated: list[str] | None
) -> None:
    rules = [reading(RateScope.ADDRESS, 1)] + ([] if rule is None else [reading(RateScope.CALLER, rule)])
    app = counting(*rules, caller=Recognised("client:1", own))
    answers = [await call(app, path=PATH, headers=[(b"x-api-key", b"known")]) for _ in statuses]
    assert [answer.status for answer in answers] == statuses
    if violated is not None:
        assert answers[statuses.index(429)].problem["violated-policies"] == violated
