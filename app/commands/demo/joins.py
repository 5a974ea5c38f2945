"""The joins of the demonstration: looked for in the data, accepted by an admin, required of queries from then on."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Column, Table

REQUIRE = "query.require_accepted_joins"
LOOK_SECONDS = 180.0
POLL_SECONDS = 0.5

RATIONALES = {
    "airlines__flights__carrier": "Carriers are named by their IATA code.",
    "airports__flights__origin__faa": "Where the flight left, by the code of the FAA.",
    "airports__flights__dest__faa": "Where the flight went, by the code of the FAA.",
    "planes__flights__tailnum": "Planes are known by their tail number.",
    "weather__flights__origin__time_hour": "The weather at the airport in the hour of departure.",
    "airports__weather__origin__faa": "Where the weather was observed.",
}
"""Why each join of these tables is right. What else the data suggests is shown and left to people."""

OVERRIDES = {
    "planes__flights__tailnum": "The registry lacks the planes of two airlines; queries say which flights they lose.",
    "airports__flights__dest__faa": "Four airports of Puerto Rico and the Virgin Islands are not in the list.",
    "weather__flights__origin__time_hour": "The station missed a few hours.",
}
"""Why a join is right although some rows meet nothing."""

Call = Callable[..., Any]


class JoinsNotFoundError(RuntimeError):
    """The look for joins did not come to an end, or failed."""


def accept_joins(call: Call, console: Console) -> None:
    """Look for joins, accept those of which it is known that they are right, and require them.

    Raises `JoinsNotFoundError`: the service has no worker, or the look failed.
    """
    _look(call)
    suggested = call("GET", "/api/joins/candidates", params={"status": "suggested", "limit": 100})["items"]
    shown = Table(Column("candidate", overflow="fold"), "rows", "score", "orphans", "", title="Suggested by the data")
    for each in suggested:
        id_ = each["candidate_id"]
        decided = "accepted" if each["accepted_version"] else "left to people"
        if id_ in RATIONALES and not each["accepted_version"]:
            body = {"candidate_id": id_, "rationale": RATIONALES[id_], "override_rationale": OVERRIDES.get(id_)}
            join = call("POST", "/api/joins/accept", json=body)
            decided = "accepted" + (", against the policy" if join["overridden"] else "")
        shown.add_row(id_, each["cardinality"], f"{each['score']:.2f}", f"{each['orphan_rate']:.1%}", decided)
    console.print(shown)
    call("PUT", f"/system/config/{REQUIRE}", json={"value": True})
    console.print("From now on queries join tables by accepted joins alone.", highlight=False)


def _look(call: Call) -> None:
    """Let a worker look at all tables, and wait until it has."""
    job = call("POST", "/api/joins/candidates/refresh")["links"]["self"]
    deadline = time.monotonic() + LOOK_SECONDS
    while (state := call("GET", job)["state"]) in {"queued", "running"}:
        if time.monotonic() > deadline:
            raise JoinsNotFoundError(f"The look for joins is {state} after {LOOK_SECONDS:.0f} s: see {job}.")
        time.sleep(POLL_SECONDS)
    if state != "succeeded":
        raise JoinsNotFoundError(f"The look for joins has {state}: see {job}.")
