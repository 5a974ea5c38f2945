"""Jobs: of the holder's own, or the service's."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kernel.db.database import OperationClass
from app.kernel.jobs import enqueue
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind
from tests.authorization.holders import Holder
from tests.operations_catalogue.operation import REASON, Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

ROOT = "/system/jobs"
NAME = "operations:sweep-temporary-objects"
"""A job for which nothing stands but itself."""


async def job(world: Workshop, holder: Holder | None) -> str:
    """The id of a fresh job, which waits for a day that no test sees: the holder's, or the service's."""
    actor, resources = SYSTEM, world.resources
    if holder is not None:
        answer = await world.anonymous.get("/api/auth/me", headers=dict(holder.headers))
        if answer.status_code == 200:
            me = answer.json()
            actor = Actor(ActorKind(me["kind"]), UUID(me["id"]), me["name"])
    late = resources.clock() + timedelta(days=1)
    async with resources.database.write(OperationClass.CONTROL) as session:
        return str(await enqueue(session, NAME, {}, actor=actor, key="of the catalogue", run_at=late))


async def _jobs(setting: Setting) -> Prepared:
    mark = await setting.owned("job", lambda holder: job(setting.world, holder))
    params = {"limit": 500, "name": NAME, "state": "queued", "key": "of the catalogue"}
    times = {"since": "2026-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}
    return Prepared(more={"params": params | times}, mark=mark)


def _of_job(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"job_id": await setting.owned("job", lambda holder: job(setting.world, holder))}, more)

    return prepared


OPERATIONS = (
    Operation("list_jobs", "GET", ROOT, _jobs),
    Operation("get_job", "GET", f"{ROOT}/{{job_id}}", _of_job()),
    Operation("cancel_job", "POST", f"{ROOT}/{{job_id}}/cancel", _of_job(json=REASON)),
)
