"""Taking a batch back, and taking stored bodies again, against the batches themselves, as ratios of one run.

usage: python -m benchmarks.reversal [--rows N] [--wrong N] [--replayed N] [--bodies N] [--rounds N]

Over HTTP, done by a worker. In a table of `--rows` rows a wrong batch of `--wrong` rows overwrites rows all over the
table, or inserts new ones between them, and is taken back. Then `--replayed` rows in `--bodies` batches are replayed
into the same table, where all of them are unchanged, and into a further version of it, where all are inserted.

Targets: a rollback takes at most twice the time of its batch; a replay has at least 0.7 of the speed at which its rows
came in first. At most 300 MiB resident in the API process, which makes the plans, and in the worker. The plan is timed
by itself: it does all that the run does, and rolls it back.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from app.commands.environment import Environment, open_environment
from app.kernel.db import migrations
from app.settings import Settings
from benchmarks import rows
from benchmarks.api import process
from benchmarks.ingest import MEMORY_TARGET_MIB, PORT, Service, owner_and_key, peak_mib

METRICS_PORT = 18_083
ROLLBACK_TARGET = 2.0
REPLAY_TARGET = 0.7
LOOK_SECONDS = 0.05
REASON = {"reason": "a benchmark"}
VARIANTS = {"overwriting": ("updated", 0), "inserting": ("inserted", 1)}
"""Of a wrong batch: the verdict of its rows, and the first of its ids. Those of the table are even."""


@dataclass(frozen=True)
class Done:
    """A run that was planned and applied."""

    plan_seconds: float
    seconds: float
    counts: dict[str, int]
    deleted: int


def applied(service: Service, path: str, wanted: dict[str, Any]) -> Done:
    """The run, once it is completed, with the seconds of its plan and its own."""
    begin = time.perf_counter()
    plan = service.call("POST", path, REASON | wanted | {"dry_run": True})
    planned = time.perf_counter()
    run = service.call("POST", path, REASON | wanted | {"plan_hash": plan["plan_hash"]})
    place = run["links"]["self"]
    while run["status"] in {"PENDING", "RUNNING"}:
        time.sleep(LOOK_SECONDS)
        run = service.get(place)
    seconds = time.perf_counter() - planned
    if run["status"] != "COMPLETED" or (run["counts"], run["deleted"]) != (plan["counts"], plan["deleted"]):
        raise RuntimeError(f"not as planned: {run}")
    return Done(planned - begin, seconds, run["counts"], run["deleted"])


@dataclass(frozen=True)
class Bench:
    """The service with its processes, the database behind it, and a folder for bodies."""

    service: Service
    owner: asyncpg.Connection
    folder: Path
    processes: dict[str, psutil.Process]

    async def quiet(self) -> None:
        """Leave nothing to be written for what was done before."""
        await self.owner.execute("CHECKPOINT")

    async def take_back(self, count: int, wrong: int, rounds: int) -> bool:
        """Whether rollbacks keep to their target."""
        lines = rows.write_lines(self.folder / "table.ndjson", rows.rows(count, 0, step=2))
        self.service.prepare("reversed")
        seconds = await asyncio.to_thread(self.service.load, "reversed", lines, "inserted")
        lines.unlink()
        print(f"table of {count:,} rows: {seconds:.1f} s", flush=True)
        met = True
        for variant, (verdict, first) in VARIANTS.items():
            made = rows.rows(wrong, 1, first, 2 * (count // wrong))
            body = rows.write_lines(self.folder / f"{variant}.ndjson", made)
            ratios = [await self._one(variant, body, verdict, count, wrong) for _ in range(rounds)]
            ratio = statistics.median(ratios)
            met &= ratio <= ROLLBACK_TARGET
            print(f"rollback, {variant}: {ratio:.2f} of the time of its batch (target <= {ROLLBACK_TARGET})")
            self._memory()
        return met

    async def _one(self, variant: str, body: Path, verdict: str, count: int, wrong: int) -> float:
        """The time of taking a batch back, as a share of the batch's own."""
        await self.quiet()
        batch, batch_id = await asyncio.to_thread(self.service.ingest, "reversed", body, verdict)
        await self.quiet()
        done = await asyncio.to_thread(applied, self.service, f"/api/ingestion/batches/{batch_id}/rollback", {})
        found = await self.owner.fetchval("SELECT count(*) FROM data.reversed__v1")
        if done.counts["updated"] + done.deleted != wrong or found != count:
            raise RuntimeError(f"{found} rows after {done}")
        print(
            f"  {wrong:>9,} rows {variant}: batch {batch:6.2f} s, plan {done.plan_seconds:6.2f} s, "
            f"rollback {done.seconds:6.2f} s ({wrong / done.seconds:,.0f} rows/s)",
            flush=True,
        )
        return done.seconds / batch

    async def replay(self, count: int, bodies: int, rounds: int) -> bool:
        """Whether replays keep to their target."""
        files = list(self._bodies(count, bodies))
        speeds: dict[str, list[float]] = {"unchanged": [], "inserted": []}
        for turn in range(rounds):
            table = f"replayed_{turn}"
            self.service.prepare(table)
            await self.quiet()
            sent = [await asyncio.to_thread(self.service.ingest, table, file, "inserted") for file in files]
            first = sum(seconds for seconds, _ in sent)
            print(f"  {count:>9,} rows in {bodies} batches: {first:6.2f} s ({count / first:,.0f} rows/s)")
            self.service.prepare(table, window="48h")
            wanted = {"contract_id": f"{table}_v1", "batch_ids": [batch_id for _, batch_id in sent]}
            for verdict, into in (("unchanged", {}), ("inserted", {"into": f"{table}_v2"})):
                await self.quiet()
                done = await asyncio.to_thread(applied, self.service, "/api/ingestion/replay", wanted | into)
                if done.counts[verdict] != count:
                    raise RuntimeError(f"not every row was {verdict}: {done}")
                speeds[verdict].append(first / done.seconds)
                print(
                    f"  {count:>9,} rows {verdict}: plan {done.plan_seconds:6.2f} s, replay {done.seconds:6.2f} s "
                    f"({count / done.seconds:,.0f} rows/s)",
                    flush=True,
                )
        medians = {verdict: statistics.median(found) for verdict, found in speeds.items()}
        for verdict, speed in medians.items():
            told = f"{speed:.2f} of the speed of the first ingestion (target >= {REPLAY_TARGET})"
            print(f"replay, all {verdict}: {told}")
        self._memory()
        return min(medians.values()) >= REPLAY_TARGET

    def _bodies(self, count: int, bodies: int) -> Iterator[Path]:
        """Files of as many rows each."""
        made = rows.rows(count, 0)
        for number in range(bodies):
            part = (row for _, row in zip(range(count // bodies), made, strict=False))
            yield rows.write_lines(self.folder / f"body-{number}.ndjson", part)

    def _memory(self) -> None:
        told = ", ".join(f"{name} {peak_mib(each):.0f}" for name, each in self.processes.items())
        print(f"peak resident MiB: {told} (target <= {MEMORY_TARGET_MIB})", flush=True)

    def keeps_small(self) -> bool:
        """Whether no process ever was larger than its target."""
        return all(peak_mib(each) <= MEMORY_TARGET_MIB for each in self.processes.values())


async def measure(
    place: Environment, service: Service, folder: Path, processes: dict[str, psutil.Process], wanted: argparse.Namespace
) -> bool:
    """Print the figures; whether the targets are met."""
    owner = await migrations.connect(place.urls.owner)
    bench = Bench(service, owner, folder, processes)
    met = await bench.take_back(wanted.rows, wanted.wrong, wanted.rounds)
    met &= await bench.replay(wanted.replayed, wanted.bodies, wanted.rounds)
    await owner.close()
    return met and bench.keeps_small()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the table")
    parser.add_argument("--wrong", type=int, default=20_000, help="rows of the wrong batch; a divisor of --rows")
    parser.add_argument("--replayed", type=int, default=200_000, help="rows that are replayed; a multiple of --bodies")
    parser.add_argument("--bodies", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="spyne-bench-") as name,
        open_environment(Settings(home=Path(name))) as place,
    ):
        place.migrate()
        service = Service(asyncio.run(owner_and_key(place)))
        environment = {"DATABASE_URL": place.urls.owner, "SPYNE_HOME": name}
        api = environment | {"SERVER_PORT": str(PORT)}
        worker = environment | {"JOBS_METRICS_PORT": str(METRICS_PORT)}
        with (
            process(["app.cli", "serve"], api, PORT, "/health/live") as serving,
            process(["app.cli", "worker"], worker, METRICS_PORT, "/metrics") as working,
        ):
            service.call("PUT", "/system/mode", {"mode": "INGESTION_READY"})
            processes = {"API": psutil.Process(serving), "worker": psutil.Process(working)}
            met = asyncio.run(measure(place, service, Path(name), processes, wanted))
    print("targets met" if met else "TARGETS MISSED")
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
