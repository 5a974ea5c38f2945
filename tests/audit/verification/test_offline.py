"""An export verifies without database, settings or secret; whatever is done to the file shows."""

import asyncio
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.seals.chain import Checkpoint
from app.audit.seals.proofs import checkpoint
from app.audit.seals.signing import SealingKey
from app.audit.verification.exporting import Exported, export
from app.audit.verification.offline import ExportVerification, NotAnExportError, Trust, verify_export
from app.audit.verification.verifier import Kind
from app.kernel.runtime.resources import Resources
from tests.audit.logs import sealer, tell
from tests.audit.verification.tampering import ANOTHER_KEY, KINDS, cut_tail, reseal, undone, unguard
from tests.service_processes import Surroundings
from tests.spawning import completed
from tests.test_cli import call, one_line

Lines = list[bytes]


async def exported(resources: Resources, path: Path) -> Path:
    async with resources.database.snapshot() as session:
        key = SealingKey(resources.secret).public
        return written(path, [piece async for piece in export(session, key, resources.clock(), Exported())])


def written(path: Path, pieces: Lines) -> Path:
    path.write_bytes(b"".join(pieces))
    return path


async def seen(resources: Resources) -> Checkpoint:
    async with resources.database.read() as session:
        return await checkpoint(session, SealingKey(resources.secret), resources.clock())


def verified(path: Path, *keys: str, checkpoint: Checkpoint | None = None) -> ExportVerification:
    with path.open("rb") as file:
        return verify_export(file, keys, checkpoint)


@pytest.fixture
async def log(resources: Resources) -> Resources:
    """Seals of several sizes, and two rows that wait."""
    worker = sealer(resources, batch_rows=6)
    for rows in (4, 9, 1):
        await tell(resources, rows)
        await worker.seal_waiting()
    await tell(resources, 2)
    return resources


async def test_a_clean_export(log: Resources, tmp_path: Path) -> None:
    path = await exported(log, tmp_path / "export")
    outcome = verified(path)
    report = outcome.report
    assert (report.findings, report.seals, report.rows, report.unsealed) == ([], 4, 14, 2)
    assert outcome.trust is Trust.FIRST_USE
    own = SealingKey(log.secret).public
    for key in (own.raw.hex(), own.fingerprint):
        assert (verified(path, key).report.clean, verified(path, key).trust) == (True, Trust.GIVEN)
    other = ANOTHER_KEY.public
    assert {finding.kind for finding in verified(path, other.raw.hex()).report.findings} == {Kind.SEAL_FORGED}
    outcome = verified(path, checkpoint=await seen(log))
    assert (outcome.report.clean, outcome.trust) == (True, Trust.CHECKPOINT)
    await tell(log, 3)
    await sealer(log).seal_waiting()
    later = verified(await exported(log, tmp_path / "later"), checkpoint=await seen(log)).report
    assert (later.clean, later.rows, later.unsealed) == (True, 19, 0)
    earlier = verified(path, checkpoint=await seen(log)).report
    assert [finding.kind for finding in earlier.findings] == [Kind.LOG_CUT]


async def test_an_empty_export(resources: Resources, tmp_path: Path) -> None:
    report = verified(await exported(resources, tmp_path / "export"), checkpoint=await seen(resources)).report
    assert (report.clean, report.seals, report.rows) == (True, 0, 0)


def ended(lines: Lines) -> bytes:
    """The lines with an end that fits them: what somebody would write who knows the form."""
    body = b"".join(lines[:-1])
    end = json.loads(lines[-1])["end"]
    end["sha256"] = hashlib.sha256(body).hexdigest()
    end["rows"] = sum(line.startswith(b'{"leaf"') for line in lines)
    end["seals"] = sum(line.startswith(b'{"seal"') for line in lines)
    return body + json.dumps({"end": end}).encode() + b"\n"


def rows(lines: Lines) -> list[int]:
    return [number for number, line in enumerate(lines) if line.startswith(b'{"leaf"')]


def seals(lines: Lines) -> list[int]:
    return [number for number, line in enumerate(lines) if line.startswith(b'{"seal"')]


def edit_row(lines: Lines, random: Random) -> None:
    number = random.choice(rows(lines))
    lines[number] = lines[number].replace(b'"actor_label":"ada"', b'"actor_label":"eve"')


def edit_row_and_leaf(lines: Lines, random: Random) -> None:
    number = random.choice(rows(lines))
    content = lines[number][81:-2].replace(b'"actor_label":"ada"', b'"actor_label":"eve"')
    leaf = hashlib.sha256(b"\x00" + content).hexdigest().encode()
    lines[number] = b'{"leaf":"' + leaf + b'","row":' + content + b"}\n"


def smuggle(lines: Lines, random: Random) -> None:
    """A second value beside the sealed one: some readers take the first, some the last."""
    number = random.choice(rows(lines))
    lines[number] = lines[number][:-2] + b',"row":{"actor_label":"eve"}}\n'


def remove_row(lines: Lines, random: Random) -> None:
    del lines[random.choice(rows(lines))]


def insert_row(lines: Lines, random: Random) -> None:
    number = random.choice(rows(lines))
    lines.insert(number, lines[number])


def swap_rows(lines: Lines, random: Random) -> None:
    one, two = random.sample(rows(lines), 2)
    lines[one], lines[two] = lines[two], lines[one]


def edit_seal(lines: Lines, random: Random) -> None:
    number = random.choice(seals(lines))
    document = json.loads(lines[number])
    field = random.choice(["number", "count", "total", "horizon", "snapshot_end", "sealed_at", "encoding"])
    document["seal"][field] += 1
    lines[number] = json.dumps(document).encode() + b"\n"


def remove_seal(lines: Lines, random: Random) -> None:
    del lines[random.choice(seals(lines))]


def remove_batch(lines: Lines, random: Random) -> None:
    number = random.choice(seals(lines))
    before = max([each for each in seals(lines) if each < number], default=0)
    del lines[before + 1 : number + 1]


def backdate_waiting(lines: Lines, _random: Random) -> None:
    number = next(number for number, line in enumerate(lines) if line.startswith(b'{"unsealed"'))
    document = json.loads(lines[number])
    document["unsealed"]["time"] = str(int(document["unsealed"]["time"]) - 3_600_000_000)
    lines[number] = json.dumps(document).encode() + b"\n"


TAMPERINGS: tuple[Callable[[Lines, Random], None], ...] = (
    edit_row, edit_row_and_leaf, smuggle, remove_row, insert_row, swap_rows, edit_seal, remove_seal, remove_batch,
    backdate_waiting,
)  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS)
async def test_a_file_that_was_rewritten(
    log: Resources, tmp_path: Path, tamper: Callable[[Lines, Random], None]
) -> None:
    path = await exported(log, tmp_path / "export")
    clean, now = path.read_bytes(), await seen(log)
    assert ended(clean.splitlines(keepends=True)).count(b"\n") == clean.count(b"\n")
    for seed in range(10):
        lines = clean.splitlines(keepends=True)
        tamper(lines, Random(seed))
        path.write_bytes(ended(lines))
        # What was taken from the end looks like a shorter log to whoever has seen nothing of it.
        report = verified(path, checkpoint=now).report
        assert not report.clean, seed
        assert Kind.EXPORT_DAMAGED not in {finding.kind for finding in report.findings} or tamper in {
            smuggle, remove_seal,
        }  # fmt: skip


async def test_a_file_that_breaks_off_or_goes_on(log: Resources, tmp_path: Path) -> None:
    path = await exported(log, tmp_path / "export")
    clean = path.read_bytes()
    random = Random(7)
    head = clean.index(b"\n") + 1
    for length in [*random.sample(range(head, len(clean) - 1), 60), head, len(clean) - 1]:
        path.write_bytes(clean[:length])
        if length == len(clean) - 1:
            continue  # a line feed less
        assert Kind.EXPORT_DAMAGED in {finding.kind for finding in verified(path).report.findings}, length
    for more in (b"\n", b"x", clean):
        path.write_bytes(clean + more)
        assert not verified(path).report.clean
    for _ in range(150):
        at, bit = random.randrange(head, len(clean)), 1 << random.randrange(8)
        path.write_bytes(clean[:at] + bytes([clean[at] ^ bit]) + clean[at + 1 :])
        assert not verified(path).report.clean or at == len(clean) - 1, at


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}\n", b"[]\n", b"1\n", b"x", b"\xff\n", b'{"spyne_audit_export":2}\n', bytes(range(100, 200))],
)
def test_what_is_no_export(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(NotAnExportError):
        verified(tmp_path / "x")


async def test_what_was_done_to_the_database_shows_in_its_export(
    log: Resources, tmp_path: Path, engine: AsyncEngine
) -> None:
    own, now = SealingKey(log.secret).public, await seen(log)
    random, path = Random(11), tmp_path / "export"
    for number in range(3 * len(KINDS)):
        tamper = KINDS[number % len(KINDS)]
        async with undone(engine) as (session, driver):
            told = await tamper(driver, random)
            written(path, [piece async for piece in export(session, own, log.clock(), Exported())])
        report = verified(path, own.raw.hex(), checkpoint=now if tamper is cut_tail else None).report
        assert not report.clean, told
        assert verified(path, checkpoint=now).report.findings != []


async def test_a_chain_of_another_key_passes_on_first_use_alone(
    log: Resources, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    now = await seen(log)
    await unguard(owner)
    await owner.execute("UPDATE spyne.audit_log SET actor_label = 'eve'")
    await reseal(owner, ANOTHER_KEY, true_name=False)
    path = await exported(log, tmp_path / "export")
    lines = path.read_bytes().splitlines(keepends=True)
    head = json.loads(lines[0]) | {"public_key": ANOTHER_KEY.public.raw.hex()}
    lines[0] = json.dumps(head).encode() + b"\n"
    path.write_bytes(ended(lines))
    assert verified(path).report.clean, "nobody can tell"
    own = SealingKey(log.secret).public
    for report in (
        verified(path, own.raw.hex()).report,
        verified(path, own.fingerprint).report,
        verified(path, checkpoint=now).report,
    ):
        assert Kind.SEAL_FORGED in {finding.kind for finding in report.findings}
    assert Kind.LOG_REPLACED in {finding.kind for finding in verified(path, checkpoint=now).report.findings}


def spyne(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process without any environment but what is given."""
    elsewhere = Path(environment.get("HOME", "/"))
    return completed("app.cli", "audit", *map(str, arguments), env=environment, cwd=elsewhere)


async def test_the_command(
    log: Resources, tmp_path: Path, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = surroundings.environment()
    export_file, mark = tmp_path / "export", tmp_path / "checkpoint"
    for command in (f"export --to {export_file}", f"checkpoint --to {mark}"):
        assert (await asyncio.to_thread(call, f"audit {command}", known, monkeypatch)) == 0
    assert (export_file.stat().st_mode & 0o777, mark.stat().st_mode & 0o777) == (0o600, 0o600)

    async def offline(*more: str | Path) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(spyne, "verify", "--from", export_file, *more)

    done = await offline()
    assert (done.returncode, done.stderr) == (0, "")
    assert "TRUSTED ON FIRST USE" in done.stdout
    own = SealingKey(log.secret).public
    (tmp_path / "key").write_text(f"{own.raw.hex()}\n")
    done = await offline("--checkpoint", mark, "--key", tmp_path / "key", "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, told["clean"], told["rows"], told["unsealed"], told["trust"]) == (0, True, 14, 2, "given")
    content = export_file.read_bytes()
    export_file.write_bytes(content.replace(b'"actor_label":"ada"', b'"actor_label":"eve"', 1))
    done = await offline("--key", own.fingerprint)
    assert done.returncode == 1
    assert "NOT as it was sealed" in done.stdout
    assert "row-edited         seal 1, row " in done.stdout
    export_file.write_bytes(b"nothing of the kind")
    done = await offline()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("spyne: ")


async def test_what_the_command_cannot_do(
    log: Resources,
    tmp_path: Path,
    surroundings: Surroundings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad, no, nowhere = tmp_path / "bad", tmp_path / "no", tmp_path / "nowhere" / "x"
    bad.write_bytes(b"nothing of the kind")
    good = await exported(log, tmp_path / "export")
    known = surroundings.environment()
    away = known | {"DATABASE_URL": "postgresql://o:hush-hush@127.0.0.1:1/x"}
    cases: list[tuple[str, dict[str, str], str]] = [
        (f"verify --from {bad}", {}, "not an export"),
        (f"verify --from {no}", {}, "cannot be read"),
        (f"verify --from {good} --checkpoint {no}", {}, "cannot be read"),
        (f"verify --from {good} --checkpoint {bad}", {}, "not a checkpoint"),
        (f"verify --from {good} --key none", {}, "64 hexadecimal digits"),
        ("verify", away, "The database cannot be used"),
        (f"export --to {no}", away, "The database cannot be used"),
        (f"checkpoint --to {no}", away, "The database cannot be used"),
        (f"export --to {nowhere}", known, "cannot be written"),
        ("verify", known | {"SERVER_PORT": "eighty"}, "SERVER_PORT"),
    ]
    for arguments, environment, expected in cases:
        code = await asyncio.to_thread(call, f"audit {arguments}", environment, monkeypatch)
        told = capsys.readouterr()
        assert (code, told.out) == (2, ""), arguments
        assert expected in one_line(told.err), arguments
        assert "hush-hush" not in told.err
    assert not no.exists()
    assert (await asyncio.to_thread(call, "audit verify", known, monkeypatch)) == 0


MANY = 60_000


@pytest.mark.slow
async def test_many_rows_take_no_more_memory_than_few(
    resources: Resources, tmp_path: Path, surroundings: Surroundings, owner: asyncpg.Connection
) -> None:
    known = surroundings.environment()

    async def measured(*arguments: str | Path, **environment: str) -> int:
        module = "tests.audit.verification.measured"
        done = await asyncio.to_thread(completed, module, *map(str, arguments), env=environment)
        assert done.returncode == 0, done.stderr
        return int(done.stderr.splitlines()[-1])

    path, memory, worker = tmp_path / "export", {}, sealer(resources)
    for rows in (10, MANY):
        await owner.execute(
            "INSERT INTO spyne.audit_log (actor_kind, actor_label, action, verb, entity_type, outcome, after) "
            "SELECT 'user', 'ada', 'thing:change', 'UPDATE', 'thing', 'success', "
            "jsonb_build_object('state', n, 'text', repeat('x', 200)) FROM generate_series(1, $1::int) n",
            rows,
        )
        await worker.seal_waiting()
        memory[rows] = [await measured("export", "--to", path, **known), await measured("verify", "--from", path)]
    print(memory, path.stat().st_size)
    for few, many in zip(memory[10], memory[MANY], strict=True):
        assert many - few < 30, "MiB: the file has 32, and what is held of it at a time is bounded"
    (waiting,) = await owner.fetchrow("SELECT count(*) FROM spyne.audit_sealed_entries")
    assert waiting == MANY + 10
