"""How right the answers to questions in English are, how many there are, and how long they take.

    python -m benchmarks.questions --data <shared>/data/nl2sql
    python -m benchmarks.questions --data <shared>/data/nl2sql --database restaurants --show wrong

Every database is loaded into an embedded PostgreSQL of its own, adopted, and looked at for joins as a worker would;
every candidate of the default score is accepted by script, with a rationale where the policy wants one, and the values
are indexed. Then every question is read with what the service knows; what is answered passes the guard, is executed,
and its rows are held against those of the gold statement (`benchmarks/question_data.py` says when rows are the same).
Questions without gold must be refused.

Targets: right when answered 0.90; coverage of one table 0.70 and of two 0.55; wrong and confident at most 0.05 of all;
28 of 30 refused; 95 % of the questions within 50 ms.
"""

import argparse
import gc
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import asyncpg
import uvloop

from app.catalog.joins.evidence.subjects import Depth
from app.catalog.joins.judging import Acceptance, JoinJudging
from app.catalog.joins.repository import CandidateFilter, JoinReads
from app.catalog.tables.lifecycle import TableState
from app.kernel.paging import PageRequest
from app.kernel.problems import Problem
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.query.guard.check import GuardPolicy, check
from app.query.language.outcome import Interpretation
from app.query.questions.cache import QuestionCache
from app.query.questions.vocabularies import Vocabularies
from app.query.values.building import ValueIndexing
from benchmarks import question_data as data
from benchmarks.joins import MIN_SCORE, adopt, refreshed, service
from benchmarks.question_terms import parse_terms

CONFIDENT = 0.7
"""From this confidence a wrong answer misleads."""


@dataclass(frozen=True)
class Seconds:
    """How long a question took."""

    known: float
    """Of reading from PostgreSQL what is known."""
    engine: float


@dataclass(frozen=True)
class Asked:
    """What came of a question."""

    question: data.Question
    answered: bool
    right: bool
    confidence: float
    seconds: Seconds
    sql: str
    said: str


async def accepted(resources: Resources) -> None:
    """Accept every candidate of the default score."""
    async with resources.database.read() as session:
        wanted = CandidateFilter(min_score=MIN_SCORE)
        page = await JoinReads(session).candidates(tuple(TableState), wanted, PageRequest(limit=5_000))
    judging = resources.build(JoinJudging)
    for candidate in page.items:
        why = "accepted by script: the protocol of the score"
        try:
            await judging.accept(Acceptance(candidate.id, why, why), None, SYSTEM)
        except Problem as problem:
            print(f"    not accepted: {candidate.id}: {problem}", file=sys.stderr)


async def ask(
    owner: asyncpg.Connection, question: data.Question, vocabularies: Vocabularies, cache: QuestionCache, *, told: bool
) -> Asked:
    """What came of the question, read as the service reads it, and executed."""
    further = parse_terms(question.instructions or "") if told else ()
    engine = await cache.engine(await vocabularies.of(question.text, SYSTEM, further))  # kept, as a service does
    begun = time.perf_counter()
    vocabulary = await vocabularies.of(question.text, SYSTEM, further)
    read = time.perf_counter()
    found = engine.told(vocabulary).interpret(question.text)
    seconds = Seconds(read - begun, time.perf_counter() - read)
    if not isinstance(found, Interpretation):
        said = f"{found.reason} {list(found.not_understood)}"
        return Asked(question, answered=False, right=False, confidence=0.0, seconds=seconds, sql="", said=said)
    catalog = data.catalog_of(question.db, vocabulary, await data.relations_of(owner))
    verdict = check(found.sql, catalog, GuardPolicy(require_accepted_joins=True))
    if not verdict.allowed:
        right, said = False, f"GUARD: {verdict.findings}"
    elif not question.gold:
        right, said = False, "must be refused"
    else:
        right, said = await compare(owner, question, str(verdict.sql), question.db)
    return Asked(question, True, right, found.confidence, seconds, found.sql, said)  # noqa: FBT003 - it is answered


async def compare(owner: asyncpg.Connection, question: data.Question, sql: str, database: str) -> tuple[bool, str]:
    """Whether the rows are those of any gold statement, and what they are when not."""
    await owner.execute(f'SET search_path = "{data.schema_of(database)}", public')
    try:
        answer = data.plain_rows(await owner.fetch(sql))
    except asyncpg.PostgresError as error:
        return False, f"fails: {error}"
    said = ""
    for gold in question.gold:
        rows = data.plain_rows(await owner.fetch(gold.replace("public.", f"{data.schema_of(database)}.")))
        tied_sql = data.with_ties(gold)
        tied = data.plain_rows(await owner.fetch(tied_sql)) if tied_sql else None
        if data.same_rows(rows, answer, in_order=question.in_order, tied=tied):
            return True, ""
        said = said or f"rows {answer[:4]} instead of {rows[:4]}"
    return False, said


async def one(folder: Path, database: str, asked: Sequence[data.Question], *, told: bool) -> list[Asked]:
    """What came of the questions of one database."""
    gc.freeze()  # what the process holds besides is not looked through again and again
    async with service() as (resources, owner):
        await data.load(owner, folder, database)
        await adopt(resources, data.schema_of(database))
        await refreshed(resources, Depth.ALL)
        await accepted(resources)
        await resources.build(ValueIndexing).build()
        cache = resources.extensions.of(QuestionCache)
        vocabularies = resources.build(Vocabularies)
        return [await ask(owner, question, vocabularies, cache, told=told) for question in asked]


def report(found: Sequence[Asked]) -> None:
    """Print the figures."""
    real = [each for each in found if each.question.gold]
    refusals = [each for each in found if not each.question.gold]
    _line("all", real)
    for prefix in ("single", "join2", "join3", "hard"):
        _line(prefix, [each for each in real if each.question.category.startswith(prefix)])
    for category in sorted({each.question.category for each in real}):
        _line(f"  {category}", [each for each in real if each.question.category == category])
    for database in sorted({each.question.db for each in real}):
        _line(f"  of {database}", [each for each in real if each.question.db == database])
    wrong = [each for each in real if each.answered and not each.right and each.confidence >= CONFIDENT]
    print(f"wrong and confident ({CONFIDENT} or more): {len(wrong)} = {len(wrong) / max(1, len(real)):.3f} of all")
    print(f"refused of those that must be: {sum(not each.answered for each in refusals)} of {len(refusals)}")
    _calibration([each for each in found if each.answered])
    _times("the engine", [each.seconds.engine for each in found])
    _times("with what is read from PostgreSQL", [each.seconds.engine + each.seconds.known for each in found])


def _times(label: str, seconds: Sequence[float]) -> None:
    times = sorted(each * 1000 for each in seconds)
    if len(times) > 1:
        cuts = quantiles(times, n=20)
        print(f"{label}: p50 {times[len(times) // 2]:.1f} ms, p95 {cuts[18]:.1f} ms, slowest {times[-1]:.1f} ms")


def _line(label: str, found: Sequence[Asked]) -> None:
    answered = [each for each in found if each.answered]
    right = sum(each.right for each in answered)
    rate = f"{right / len(answered):.3f}" if answered else "-"
    print(
        f"{label:<26} right when answered {rate:>5} ({right}/{len(answered)})  "
        f"coverage {len(answered) / max(1, len(found)):.3f} ({len(answered)}/{len(found)})"
    )


def _calibration(answered: Sequence[Asked]) -> None:
    """Print, by tenths of confidence, how many were right; and the mean distance of the two."""
    bins: dict[int, list[Asked]] = defaultdict(list)
    for each in answered:
        bins[min(9, int(each.confidence * 10))].append(each)
    off = 0.0
    for number, members in sorted(bins.items()):
        said = sum(each.confidence for each in members) / len(members)
        true = sum(each.right for each in members) / len(members)
        off += abs(said - true) * len(members) / len(answered)
        print(f"  said {said:.2f}, true {true:.2f} ({len(members)}) in [{number / 10:.1f}, {(number + 1) / 10:.1f})")
    print(f"expected calibration error {off:.3f}")


async def run(options: argparse.Namespace) -> None:
    """Ask everything, and print what came of it."""
    asked = list(data.questions(options.data))
    databases = options.database or sorted({question.db for question in asked})
    found: list[Asked] = []
    for database in databases:
        mine = [question for question in asked if question.db == database]
        found += await one(options.data, database, mine, told=options.instructions)
    for each in found:
        state = "refused" if not each.answered else "right" if each.right else "wrong"
        if options.show and state in options.show.split(","):
            question = each.question
            print(f"{state} {question.id} {question.category} {each.confidence:.2f}: {question.text}")
            print(f"    {each.sql}\n    {each.said}")
    report(found)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with index.json")
    parser.add_argument("--database", action="append", help="only this one; may be repeated")
    parser.add_argument("--instructions", action="store_true", help="what goes with a question is told as terms")
    parser.add_argument("--show", default="", help="right, wrong, refused, with commas")
    options = parser.parse_args()
    uvloop.run(run(options))


if __name__ == "__main__":
    main()
