"""Retention: rules, runs and holds of a category."""

from typing import Any

from tests.operations_catalogue.operation import REASON, Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

ROOT = "/system/retention"
CATEGORY = "quarantine"
RUNNABLE = "query_executions"
RULE = {"category": CATEGORY, "days_to_keep": 90, "enabled": False, "archive": False, "description": "text"}
RUN = {"dry_run": False, "cut_off": "2020-01-01T00:00:00Z"}
HOLD = REASON | {"filter": {"since": "2026-01-01T00:00:00Z"}}


async def idle_category(world: Workshop) -> str:
    """A category of which no run is under way: those that wait here for a worker are ended."""
    await world.owner.execute(
        "UPDATE spyne.retention_runs SET status = 'cancelled' WHERE status IN ('queued', 'running')"
    )
    return RUNNABLE


def _of_category(**more: Any) -> Prepare:
    async def prepared(_: Setting) -> Prepared:
        return Prepared({"category": CATEGORY}, more)

    return prepared


async def _new_rule(setting: Setting) -> Prepared:
    """Of a category without a rule, so that it is made."""
    await setting.world.owner.execute("DELETE FROM spyne.retention_rules")
    return Prepared(more={"json": RULE})


async def _new_run(setting: Setting) -> Prepared:
    """Of a category that is idle, as a run that waits keeps others of its category out."""
    return Prepared({"category": await idle_category(setting.world)}, {"json": RUN})


async def _of_run(setting: Setting) -> Prepared:
    run = await setting.world.as_admin("POST", f"{ROOT}/{CATEGORY}/run", json={"dry_run": True})
    return Prepared({"category": CATEGORY, "run_id": run["id"]})


async def _of_open_run(setting: Setting) -> Prepared:
    category = await idle_category(setting.world)
    run = await setting.world.as_admin("POST", f"{ROOT}/{category}/run", 202, json={})
    return Prepared({"category": category, "run_id": run["id"]})


async def _of_hold(setting: Setting) -> Prepared:
    hold = await setting.world.as_admin("POST", f"{ROOT}/{CATEGORY}/holds", 201, json=HOLD)
    return Prepared({"category": CATEGORY, "hold_id": hold["id"]})


_PREVIEWED = _of_category(params={"days_to_keep": 30})

OPERATIONS = (
    Operation("list_retention_rules", "GET", f"{ROOT}/"),
    Operation("set_retention_rule", "POST", f"{ROOT}/", _new_rule),
    Operation("get_retention_rule", "GET", f"{ROOT}/{{category}}", _of_category()),
    Operation("preview_retention", "POST", f"{ROOT}/{{category}}/preview", _PREVIEWED),
    Operation("run_retention", "POST", f"{ROOT}/{{category}}/run", _new_run),
    Operation("list_retention_runs", "GET", f"{ROOT}/{{category}}/runs", _of_category()),
    Operation("get_retention_run", "GET", f"{ROOT}/{{category}}/runs/{{run_id}}", _of_run),
    Operation("cancel_retention_run", "POST", f"{ROOT}/{{category}}/runs/{{run_id}}/cancel", _of_open_run),
    Operation("make_retention_hold", "POST", f"{ROOT}/{{category}}/holds", _of_category(json=HOLD)),
    Operation("list_retention_holds", "GET", f"{ROOT}/{{category}}/holds", _of_category()),
    Operation("release_retention_hold", "DELETE", f"{ROOT}/{{category}}/holds/{{hold_id}}", _of_hold),
)
