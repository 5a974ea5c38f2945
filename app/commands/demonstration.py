"""`spyne demo`: the main job on real data, over HTTP, as a user would do it. It can be run again and again.

register contracts → ingest rows → tables in SHADOW → an admin promotes them → joins are found and accepted → preview
queries, in SQL and in words → execute them.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.commands import administration
from app.commands.demo.data import DATASETS, TOTAL_ROWS, Dataset
from app.commands.demo.joins import JoinsNotFoundError, accept_joins
from app.commands.demo.queries import QUERIES, QUESTIONS, UNCERTAIN
from app.commands.environment import open_environment
from app.settings import Settings

CLIENT_NAME = "demo"
START_SECONDS = 90.0
HTTP_SECONDS = 300.0


class DemoError(RuntimeError):
    """The demonstration cannot go on; the message says why."""


def run_demo(settings: Settings, console: Console) -> int:
    """Run the whole demonstration; answers the exit code."""
    url = os.environ.get("SPYNE_URL") or f"http://{settings.server.host}:{settings.server.port}"
    with _service(url, settings, console):
        headers = {"X-API-Key": os.environ.get("SPYNE_API_KEY") or _own_key(settings)}
        with httpx.Client(base_url=url, headers=headers, timeout=HTTP_SECONDS, trust_env=False) as http:
            Demo(Spyne(http), console).run()
    return 0


def _own_key(settings: Settings) -> str:
    """A key made on the spot: whoever can read the state directory administers the service."""
    with open_environment(settings) as environment:
        return asyncio.run(administration.demo_key(environment, CLIENT_NAME))


@contextmanager
def _service(url: str, settings: Settings, console: Console) -> Iterator[None]:
    if _answers(url):
        console.print(f"Using the service at {url}.", highlight=False)
        yield
        return
    if "SPYNE_URL" in os.environ:
        raise DemoError(f"No service answers at {url}.")
    console.print(f"No service answers at {url}: starting one for the demonstration ...", highlight=False)
    log = settings.home / "demo-service.log"
    with open_environment(settings) as environment, log.open("ab") as output:
        environment.migrate()
        created = asyncio.run(administration.first_admin(environment))
        if created is not None:  # here and not by the service, whose output goes to a file
            console.print(created.shown(administration.FIRST_ADMIN), highlight=False, markup=False)
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "run"], stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait(url, process, log)
            yield
        finally:
            process.terminate()
            process.wait(60)
    console.print(
        "\nThe service of the demonstration has stopped; the data stays. `make run` serves it again.", highlight=False
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _wait(url: str, process: subprocess.Popen[bytes], log: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = "\n".join(log.read_text().splitlines()[-10:])
            raise DemoError(f"The service did not start (exit code {process.returncode}); the end of {log}:\n{tail}")
        if _answers(url):
            return
        time.sleep(0.3)
    raise DemoError(f"The service did not answer within {START_SECONDS:.0f} s; see {log}.")


@dataclass(frozen=True, slots=True)
class Spyne:
    """The calls which the demonstration makes."""

    http: httpx.Client

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The answer's JSON. Raises `DemoError` with the problem that came back."""
        answer = self.http.request(method, path, **arguments)
        if answer.is_error:
            raise DemoError(f"{method} {path} answered {answer.status_code}: {answer.text[:800]}")
        return answer.json()


@dataclass(frozen=True, slots=True)
class Demo:
    """The steps, in order."""

    spyne: Spyne
    console: Console

    def run(self) -> None:
        """Do all of it."""
        self._title("1. Open the platform for data")
        self.console.print(self.spyne.call("PUT", "/system/mode", json={"mode": "INGESTION_READY"}))
        self._title("2. Register a contract for each table")
        contracts = {dataset.table: self._register(dataset) for dataset in DATASETS}
        self._title("3. Ingest")
        self._ingest(contracts)
        self._title("4. Promote: an admin lets people query the tables")
        for dataset in DATASETS:
            self._promote(dataset, contracts[dataset.table])
        self._title("5. Joins: suggested by the data, accepted by an admin")
        try:
            accept_joins(self.spyne.call, self.console)
        except JoinsNotFoundError as error:
            raise DemoError(str(error)) from None
        self._title("6. Ask, through previewed queries")
        for question, sql in QUERIES:
            self._ask(question, {"sql": sql})
        self._title("7. Ask in words: read by rules, and refused where they do not say enough")
        for question in QUESTIONS:
            self._ask(question, {"query": question})
        self._refused(UNCERTAIN)

    def _title(self, text: str) -> None:
        self.console.rule(f"[bold]{text}", align="left")

    def _register(self, dataset: Dataset) -> dict[str, Any]:
        made = self.spyne.call("POST", "/api/contracts/register", json=dataset.contract())
        self.console.print(made["summary"], highlight=False)
        return dict(made)

    def _ingest(self, contracts: dict[str, dict[str, Any]]) -> None:
        totals: dict[str, dict[str, int]] = {}
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task("ingesting", total=TOTAL_ROWS)
            for dataset in DATASETS:
                counts = totals.setdefault(dataset.table, {})
                for batch in dataset.batches():
                    progress.update(task, description=f"ingesting {dataset.table}")
                    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": batch.key}
                    path = f"/api/ingestion/{contracts[dataset.table]['id']}/batches"
                    report = self.spyne.call("POST", path, content=batch.body, headers=headers)
                    for verdict, count in report["counts"].items():
                        counts[verdict] = counts.get(verdict, 0) + count
                    progress.advance(task, batch.rows)
        self._show_totals(totals)

    def _show_totals(self, totals: dict[str, dict[str, int]]) -> None:
        verdicts = sorted({verdict for counts in totals.values() for verdict, count in counts.items() if count})
        shown = Table("table", *verdicts, "rows", title="Verdicts")
        for table, counts in totals.items():
            shown.add_row(table, *(f"{counts.get(verdict, 0):,}" for verdict in verdicts), f"{sum(counts.values()):,}")
        self.console.print(shown)

    def _promote(self, dataset: Dataset, contract: dict[str, Any]) -> None:
        table = f"{dataset.table}@{contract['version']}"
        state = self.spyne.call("GET", f"/api/tables/{table}/state")["state"]
        if state != "SHADOW":
            self.console.print(f"{dataset.table} is {state} already", highlight=False)
            return
        wanted = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "checked in the demonstration"}
        path = f"/api/tables/{table}/promote"
        plan = self.spyne.call("POST", path, json=wanted | {"dry_run": True})
        confirmed = wanted | {"plan_hash": plan["plan_hash"]}
        done = self.spyne.call("POST", path, json=confirmed)
        rows = plan["table"]["row_count"]
        self.console.print(f"{dataset.table}: {rows:,} rows, SHADOW -> {done['to_state']}", highlight=False)

    def _ask(self, question: str, body: dict[str, str]) -> None:
        preview = self.spyne.call("POST", "/api/query/preview", json=body)
        result = self.spyne.call("POST", "/api/query/execute", json={"preview_id": preview["preview_id"]})
        names = [column["name"] for column in result["columns"]]
        shown = Table(*names, title=f"\n{question}", title_justify="left", min_width=60)
        for row in result["rows"]:
            shown.add_row(*("" if value is None else str(value) for value in row))
        self.console.print(shown)
        if "query" in body:
            self.console.print(f"read as: {preview['sql']}", highlight=False, markup=False)
        estimate = preview["estimate"]
        self.console.print(
            f"[dim]preview {preview['preview_id']} · estimated {estimate['rows']:,} rows, "
            f"cost {estimate['cost']:,.0f} · {len(result['rows'])} rows in {result['seconds']:.3f} s[/dim]",
            highlight=False,
        )

    def _refused(self, question: str) -> None:
        answer = self.spyne.http.post("/api/query/preview", json={"query": question})
        if answer.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
            raise DemoError(f"{question!r} answered {answer.status_code}: {answer.text[:800]}")
        refusal = answer.json()
        self.console.print(f"\n{question}\n  {refusal['detail']}", highlight=False)
        for other in refusal["alternatives"]:
            self.console.print(f"  {other['reading']}: {other['sql']}", highlight=False, markup=False)
