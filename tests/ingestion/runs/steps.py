"""Plans, runs and looks at what became of them, over HTTP."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import httpx

from tests.waiting import eventually

REASON = {"reason": "the sender has sent prices in cents"}


def rollback(batch_id: str) -> str:
    return f"/api/ingestion/batches/{batch_id}/rollback"


def again(batch_id: str) -> str:
    return f"/api/ingestion/batches/{batch_id}/quarantine/replay"


REPLAY = "/api/ingestion/replay"
BACKFILL = "/api/ingestion/backfill"


async def planned(admin: httpx.AsyncClient, path: str, **wanted: Any) -> dict[str, Any]:
    """The plan of a run."""
    answer = await admin.post(path, json=REASON | wanted | {"dry_run": True})
    assert answer.status_code == 200, answer.text
    plan: dict[str, Any] = answer.json()
    return plan


async def started(admin: httpx.AsyncClient, path: str, plan: dict[str, Any], **wanted: Any) -> str:
    """The address of a run that was started from its plan."""
    answer = await admin.post(path, json=REASON | wanted | {"plan_hash": plan["plan_hash"]})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == answer.json()["links"]["self"]
    return str(answer.headers["Location"])


async def over(admin: httpx.AsyncClient, place: str) -> dict[str, Any]:
    """The run, once it is over."""

    async def ended() -> bool:
        return (await admin.get(place)).json()["status"] not in {"PENDING", "RUNNING"}

    await eventually(ended, 60, what="the end of a run")
    run: dict[str, Any] = (await admin.get(place)).json()
    return run


async def applied(admin: httpx.AsyncClient, path: str, **wanted: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan of a run, and the run when it was applied: the same counts."""
    plan = await planned(admin, path, **wanted)
    run = await over(admin, await started(admin, path, plan, **wanted))
    assert run["status"] == "COMPLETED", run
    assert (run["counts"], run["deleted"]) == (plan["counts"], plan["deleted"]), "plan = apply"
    sent_again = await admin.post(path, json=run["request"] | REASON | {"dry_run": True})
    assert sent_again.status_code in {200, 409}, sent_again.text
    assert run["parts_done"] == plan["parts_total"] == run["parts_total"]
    return plan, run


async def everything(owner: asyncpg.Connection, table: str) -> Sequence[Any]:
    """Every row with its hidden columns."""
    return [tuple(row) for row in await owner.fetch(f'SELECT * FROM data."{table}__v1" ORDER BY 1, 2')]
