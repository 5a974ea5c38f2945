"""How long a question takes, and what the index of values costs, where there are many tables and many values.

    python -m benchmarks.question_values
    python -m benchmarks.question_values --tables 20 --questions 50

An embedded PostgreSQL is filled with tables of 20 columns, of which eleven are texts with 5,000 distinct values in all;
cities and categories are the same in every table. They are adopted, and the values indexed as a worker does. Then a
process of its own, as the API is one, reads questions that name tables and values, by the service's own way: what is
known is read from PostgreSQL, and the engine reads the question with it. Nothing is executed.

Targets, with 200 tables and 1,000,000 values: 95 % of the questions within 50 ms.
"""

import argparse
import gc
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles

import asyncpg
import uvloop

from app.commands.environment import Environment, open_environment
from app.commands.serving import GC_THRESHOLDS
from app.kernel.db import migrations
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.query.questions.cache import QuestionCache
from app.query.questions.service import CannotAnswer, Questions
from app.query.values.building import ValueIndexing
from app.settings import Settings
from benchmarks.joins import adopt

MIB = 1024 * 1024
PLACES = (
    "hotel", "airport", "factory", "library", "museum", "harbor", "clinic", "school", "theater", "market", "bakery",
    "garden", "stadium", "station", "brewery", "vineyard", "quarry", "laboratory", "studio", "workshop",
)  # fmt: skip
THINGS = (
    "orders", "visits", "invoices", "shipments", "deliveries", "bookings", "repairs", "inspections", "contracts",
    "reviews",
)  # fmt: skip
SYLLABLES = (
    "ba", "ko", "ri", "lu", "ten", "mar", "vel", "dor", "sin", "pa", "gri", "zo", "fen", "tal", "mur", "hes", "wil",
    "jor", "kan", "del",
)  # fmt: skip
WORDS = sorted({a + b + c for a in SYLLABLES for b in SYLLABLES[:10] for c in SYLLABLES[10:]})[:1_500]
CITIES, NAMES = 400, 2_700
DISTINCT = {
    "name": NAMES, "street": 1_000, "code": 700, "city": CITIES, "supplier": 100, "brand": 60, "category": 12,
    "country": 10, "color": 9, "status": 5, "channel": 4,
}  # fmt: skip
"""Texts of each table with their distinct values: 5,000 in all."""
FIXED = {
    "category": "Garden,Kitchen,Books,Toys,Sports,Music,Travel,Health,Food,Tools,Pets,Shoes",
    "country": "Germany,France,Spain,Italy,Poland,Norway,Sweden,Greece,Turkey,Japan",
    "color": "red,green,blue,black,white,yellow,orange,purple,brown",
    "status": "paid,open,cancelled,pending,refunded",
    "channel": "phone,web,shop,mail",
}


def table_name(number: int) -> str:
    """What the table is called."""
    place, thing = PLACES[number % len(PLACES)], THINGS[number // len(PLACES) % len(THINGS)]
    return f"{place}_{thing}" if number < len(PLACES) * len(THINGS) else f"{place}_{thing}_{number}"


def pair(number: int) -> str:
    """A name of two words, another for each number."""
    return f"{WORDS[number % len(WORDS)].title()} {WORDS[(number // len(WORDS) + number) % len(WORDS)].title()}"


def value(table: int, column: str, number: int) -> str:
    """The value of a text column; those of a city, a category and the like are the same in every table."""
    if column in FIXED:
        return FIXED[column].split(",")[number % DISTINCT[column]]
    if column == "city":
        return WORDS[-1 - number % CITIES].title()
    if column == "code":
        return f"{table:03}-{number % 700:04}"
    if column == "street":
        return f"{pair(2_000_000 + table * 1_000 + number % 1_000)} Street"
    if column == "name":
        return pair(table * NAMES + number)
    return pair(3_000_000 + table * 200 + number % DISTINCT[column])


async def fill(owner: asyncpg.Connection, tables: int) -> None:
    """Make the tables, each with as many rows as it has names."""
    await owner.execute("CREATE SCHEMA many")
    texts = ", ".join(f"{name} text" for name in DISTINCT)
    for table in range(tables):
        await owner.execute(
            f"CREATE TABLE many.{table_name(table)} (id int PRIMARY KEY, {texts}, amount numeric(12,2), price float8, "
            "quantity int, rating int, weight float8, created_on date, updated_at timestamptz, active boolean)"
        )
        rows = [(row, *(value(table, name, row) for name in DISTINCT)) for row in range(NAMES)]
        columns = ["id", *DISTINCT]
        await owner.copy_records_to_table(table_name(table), schema_name="many", columns=columns, records=rows)
        await owner.execute(
            f"UPDATE many.{table_name(table)} SET amount = id % 977, price = id % 91, quantity = id % 7,"
            " rating = id % 5, weight = id % 13, created_on = date '2026-01-01' + id % 200, updated_at = now(),"
            " active = id % 2 = 0"
        )
    await owner.execute("VACUUM ANALYZE")


def questions(tables: int, number: int) -> list[str]:
    """Questions that name a table and a value, of every form as many."""
    chance = random.Random(7)  # noqa: S311 - the same questions every time
    forms = (
        "how many {table} are there in {city}?",
        "{table} with status {status}",
        'show the amount and rating of {table} with name "{name}"',
        "average price of {table} in {city} by brand",
        "total amount of {table} with category {category}",
        "top 5 {table} by amount in {country} with color {color}",
        "which {table} are called {name}?",
        "how many {status} {table} came by {channel} since March 2026?",
        "number of {table} per category from supplier {supplier}",
        "{table} with code {code}",
    )
    found = []
    for place in range(number):
        table, row = chance.randrange(tables), chance.randrange(NAMES)
        words = {name: value(table, name, row) for name in DISTINCT}
        found.append(forms[place % len(forms)].format(table=table_name(table).replace("_", " "), **words))
    return found


def resident() -> float:
    """MiB of memory that this process holds (proc(5): VmRSS)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def times(label: str, seconds: list[float]) -> None:
    """Print the middle, the 95th percentile, and the slowest."""
    cuts = quantiles(seconds, n=100)
    print(f"{label}: p50 {cuts[49] * 1000:.1f} ms, p95 {cuts[94] * 1000:.1f} ms, slowest {max(seconds) * 1000:.1f} ms")


async def ask(resources: Resources, texts: list[str]) -> None:
    """Read every question, and print what it took."""
    reading = resources.build(Questions)
    gc.collect()
    gc.freeze()  # as `spyne serve` does
    gc.set_threshold(*GC_THRESHOLDS)
    before = resident()
    async with resources.database.read() as session:
        await resources.extensions.of(QuestionCache).few(session)
    with_few = resident()
    begun = time.perf_counter()
    await said(reading, texts[0])
    print(f"first question, for which the engine is made: {time.perf_counter() - begun:.2f} s")
    for question in texts[1:20]:
        await said(reading, question)
    wall, cpu, answers = [], [], Counter[str]()
    for question in texts:
        begun, worked = time.perf_counter(), time.process_time()
        answers[await said(reading, question)] += 1
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - worked)
    times(f"{len(texts)} questions, whole reading", wall)
    times("  of it processor time of this process", cpu)
    print(f"  load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"answered {answers.pop('')}; refused {answers.total()}: {dict(answers.most_common(3))}")
    print(f"memory of the process that reads: {before:.0f} MiB; {with_few:.0f} MiB with the values of columns of few")
    print(
        f"  values, which are all that it keeps of the index; {resident():.0f} MiB with the engine, after all questions"
    )


async def said(reading: Questions, question: str) -> str:
    """Why the question was refused; nothing when it was answered."""
    try:
        await reading.read(question, SYSTEM)
    except CannotAnswer as problem:
        return problem.detail[:80]
    return ""


async def build(resources: Resources, owner: asyncpg.Connection, tables: int) -> None:
    """Fill, adopt and index, and print what the index takes."""
    await fill(owner, tables)
    await adopt(resources, "many")
    begun = time.perf_counter()
    await resources.build(ValueIndexing).build()
    took = time.perf_counter() - begun
    terms = await owner.fetchval("SELECT count(*) FROM spyne.value_terms")
    values = await owner.fetchval("SELECT count(*) FROM (SELECT DISTINCT column_id, value FROM spyne.value_terms) AS v")
    print(
        f"indexed {values:,} values of {tables} tables by {terms:,} terms in {took:.1f} s: {values / took:,.0f} values"
    )
    print(f"  and {tables * NAMES / took:,.0f} rows of tables in a second")
    await owner.execute("VACUUM ANALYZE spyne.value_terms, spyne.value_columns, spyne.value_index")
    heap = await owner.fetchval("SELECT pg_table_size('spyne.value_terms')")
    indexes = await owner.fetchval("SELECT pg_indexes_size('spyne.value_terms')")
    size = f"{heap / MIB:.0f} MiB, its indexes {indexes / MIB:.0f} MiB"
    print(f"size in PostgreSQL: table {size}; {(heap + indexes) / values:.0f} bytes a value")
    begun = time.perf_counter()
    read = await resources.build(ValueIndexing).build()
    print(f"a look that finds nothing to do: {read} tables read again, {time.perf_counter() - begun:.2f} s")


async def built(place: Environment, tables: int) -> None:
    """Build, with the process's own connections and one of the owner."""
    owner = await migrations.connect(place.urls.owner)
    async with place.resources() as resources:
        await build(resources, owner, tables)
    await owner.close()


async def asked(place: Environment, tables: int, number: int) -> None:
    """Ask."""
    async with place.resources() as resources:
        await ask(resources, questions(tables, number))


def main() -> None:
    """Build in this process, and ask in another; or ask, in the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--home", type=Path, help="keep the database in this folder")
    parser.add_argument("--ask", action="store_true", help="only ask, with the database that is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as folder:
        home = options.home or Path(folder)
        with open_environment(Settings(home=home)) as place:
            if options.ask:
                uvloop.run(asked(place, options.tables, options.questions))
                return
            place.migrate()
            uvloop.run(built(place, options.tables))
            same = ("--tables", str(options.tables), "--questions", str(options.questions), "--home", str(home))
            sys.stdout.flush()
            subprocess.run((sys.executable, "-m", "benchmarks.question_values", "--ask", *same), check=True)


if __name__ == "__main__":
    main()
