"""Services of exports are handed what they use, and the job that makes the files needs none of HTTP's."""

import inspect
import subprocess
import sys
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.ports.exports import Ended, ExportSources, FilterParams, Source, Subject
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Permission
from app.operations.exports.downloads import Downloads
from app.operations.exports.endings import Endings
from app.operations.exports.problems import ExportBroken
from app.operations.exports.reports import Reports
from app.operations.exports.service import ExportService, ExportViews
from app.operations.notifications.outbox.announcing import Announcements
from tests.operations.exports.steps import asked, plain_table


@pytest.mark.parametrize("service", [ExportViews, ExportService, Downloads, Reports, Endings])
def test_who_works_in_the_callers_session_is_handed_no_more(service: type) -> None:
    parameters = inspect.signature(service).parameters
    assert next(iter(parameters)) == "session"
    assert Resources not in {parameter.annotation for parameter in parameters.values()}


def test_the_job_loads_nothing_of_http() -> None:
    program = (
        "import sys, app.operations.exports.jobs as jobs; "
        "print([name for name in ('router', 'service', 'requests', 'downloads', 'reports') "
        "if f'app.operations.exports.{name}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class _Noting(Source[FilterParams]):
    """A source that keeps what it learns of the ends."""

    name: ClassVar[str] = "table"
    permission: ClassVar[Permission] = Permission.EXPORTS_RUN

    def __init__(self) -> None:
        self.ends: list[Ended] = []

    async def content(self, *_: Any) -> Any:
        raise AssertionError

    async def ended(self, session: WriteSession, subject: Subject, ended: Ended) -> None:  # noqa: ARG002 - of the protocol
        self.ends.append(ended)


@pytest.mark.usefixtures("open_for_data")
async def test_an_export_ends_with_nothing_but_a_session_its_sources_and_the_channels(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    resources: Resources = app.state.resources
    await plain_table(admin, "numbers", 3)
    shown = await asked(admin, filter_params={"table": "numbers"})
    source = _Noting()
    sources, export_id = ExportSources([source]), UUID(shown["id"])
    for _ in range(2):  # what is over is left alone
        async with resources.database.write() as session:
            await Endings(session, sources, Announcements(session, resources.extensions.of(EventKinds))).fail(
                export_id, ExportBroken()
            )
    assert [each.error_code for each in source.ends] == [ExportBroken.code]
    row = await owner.fetchrow("SELECT status, error_code FROM spyne.export_jobs WHERE id = $1", export_id)
    assert tuple(row or ()) == ("failed", ExportBroken.code)
    async with resources.database.read() as session:
        document, _ = await ExportViews(session, resources.clock).get(SYSTEM, export_id)
    assert document.error_code == ExportBroken.code
