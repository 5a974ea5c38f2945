"""How often an inferred rename is right, and how many renames are found: real renames in generated tables.

A table has eight columns that stay, one that is renamed (in half of the trials none is: its column goes), and one or
two unrelated columns that go and come, at least one of each with the type of the renamed one, often of its domain.
Rows before and after are two samples of entities that share some.

usage: python -m benchmarks.renames FILE [--trials N] [--seed N] [--show]

FILE has a JSON object per line with the names `old` and `new`: real renames, such as public migrations hold.
"""

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.catalog.drift.renames import Rename, infer
from app.catalog.drift.schema import SchemaField, ValueProfile

ROWS = 800
SKETCH = 256
ENTITIES = 100_000
SYLLABLES = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu", "dan", "fel", "gor", "hin", "jam", "pol")
LABELS = ["".join(random.Random(number).choices(SYLLABLES, k=3)) for number in range(400)]  # noqa: S311 - no secret
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Domain:
    """What a column's values are like."""

    type: str
    value: Callable[[random.Random, int], Any]
    """Of a source of chance that belongs to column and entity, and a number that belongs to the column."""
    names: tuple[str, ...]
    """Of columns that are unrelated to whatever is renamed."""


DOMAINS = {
    "key": Domain(
        "bigint", lambda chance, own: chance.randrange(1 + own % 3 * 20_000, 90_000), ("parent_id", "batch_id")
    ),
    "reference": Domain(
        "bigint",
        lambda chance, _: int(chance.paretovariate(0.6)) % 5_000 + 1,
        ("warehouse_id", "region_id", "supplier_id", "agent_id", "tax_rule_id"),
    ),
    "count": Domain("bigint", lambda chance, own: chance.randrange(10 + own % 4 * 10), ("retries", "weight", "views")),
    "money": Domain(
        "numeric(12,2)",
        lambda chance, own: round(chance.lognormvariate(3 + own % 3, 1), 2),
        ("discount", "shipping_cost", "balance", "commission"),
    ),
    "flag": Domain("boolean", lambda chance, _: chance.random() < 0.5, ("archived", "verified", "hidden", "opted_in")),
    "label": Domain(
        "text",
        lambda chance, own: LABELS[own % 40 * 5 + chance.randrange(4 + own % 9)],
        ("color", "channel", "language", "tier", "currency", "segment"),
    ),
    "word": Domain(
        "text",
        lambda chance, own: f"{chance.choice(LABELS)} {LABELS[chance.randrange(20 + own % 5 * 40)]}",
        ("city", "street", "manager", "comment", "website", "birthplace"),
    ),
    "unique text": Domain("text", lambda chance, _: f"{chance.getrandbits(48):x}", ("token", "checksum", "mail")),
    "moment": Domain(
        "timestamptz",
        lambda chance, _: EPOCH + timedelta(seconds=chance.randrange(40_000_000)),
        ("shipped_at", "deleted_at", "synced_at", "expires"),
    ),
    "day": Domain(
        "timestamptz",
        lambda chance, own: EPOCH + timedelta(days=chance.randrange(100 + own % 3 * 200)),
        ("birthday", "due_date", "reviewed_on"),
    ),
}
BY_WORD = (
    (("_id", "operator"), ("reference", "key")),
    (("date", "start", "finish", "_at"), ("moment", "day")),
    (("status", "type", "category", "role", "method", "cuisine", "code", "permission"), ("label",)),
    (("price", "charity", "days"), ("money", "count")),
    (("selected", "need"), ("flag", "count")),
)
"""What a renamed column may hold, by words in its names; any other is text."""


@dataclass(frozen=True, slots=True)
class Made:
    """A column of a generated table."""

    name: str
    domain: Domain
    own: int
    nulls: float

    def field(self, entities: Sequence[int], *, valued: bool) -> SchemaField:
        """The column as it was seen in the rows of the entities."""
        return SchemaField(self.name, self.domain.type, values=self._profile(entities) if valued else None)

    def _profile(self, entities: Sequence[int]) -> ValueProfile:
        values, nulls = set(), 0
        for entity in entities:
            chance = random.Random(self.own * ENTITIES + entity)  # noqa: S311 - no secret
            if chance.random() < self.nulls:
                nulls += 1
            else:
                values.add(str(self.domain.value(chance, self.own)))
        hashes = (int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest()) for value in values)
        return ValueProfile(len(entities), nulls, frozenset(sorted(hashes)[:SKETCH]))


@dataclass(frozen=True, slots=True)
class Trial:
    """A table before and after."""

    old: tuple[Made, ...]
    new: tuple[Made, ...]
    truth: tuple[str, str] | None
    before: tuple[int, ...]
    after: tuple[int, ...]

    def inferred(self, *, valued: bool) -> tuple[Rename, ...]:
        """The renames that drift infers."""
        old = [column.field(self.before, valued=valued) for column in self.old]
        return infer(old, [column.field(self.after, valued=valued) for column in self.new]).renames


def trial(old_name: str, new_name: str, chance: random.Random, *, renamed: bool) -> Trial:
    """A table in which the column is renamed, or else goes without a successor."""
    taken = {old_name, new_name}
    kinds = next((kinds for words, kinds in BY_WORD if any(w in f"{old_name} {new_name}".lower() for w in words)), None)
    subject = _made(old_name, DOMAINS[chance.choice(kinds or ("word", "unique text", "label"))], chance)
    like = [domain for domain in DOMAINS.values() if domain.type == subject.domain.type]
    others = list(DOMAINS.values())
    kept = [_unrelated(chance.choice(others), taken, chance) for _ in range(8)]
    gone = [_unrelated(chance.choice(like if n == 0 else others), taken, chance) for n in range(chance.randint(1, 2))]
    come = [_unrelated(chance.choice(like if n == 0 else others), taken, chance) for n in range(chance.randint(1, 2))]
    position = chance.randrange(len(kept) + 1)
    old, new = list(kept), list(kept)
    old.insert(position, subject)
    if renamed:
        new.insert(position if chance.random() < 0.85 else len(kept), replace(subject, name=new_name))
    for column in gone:
        old.insert(chance.randrange(len(old) + 1), column)
    for column in come:
        new.insert(len(new) if chance.random() < 0.7 else chance.randrange(len(new) + 1), column)
    entities = chance.sample(range(ENTITIES), 2 * ROWS)
    shared = int(ROWS * chance.uniform(0.05, 0.6))
    before, after = tuple(entities[:ROWS]), tuple(entities[ROWS - shared : 2 * ROWS - shared])
    return Trial(tuple(old), tuple(new), (old_name, new_name) if renamed else None, before, after)


def _made(name: str, domain: Domain, chance: random.Random) -> Made:
    return Made(name, domain, chance.getrandbits(32), chance.choice((0.0, 0.0, 0.0, 0.05, 0.3, 0.6)))


def _unrelated(domain: Domain, taken: set[str], chance: random.Random) -> Made:
    free = [name for name in domain.names if name not in taken]
    name = chance.choice(free) if free else f"{chance.choice(LABELS)}_{chance.choice(LABELS)}"
    taken.add(name)
    return _made(name, domain, chance)


def main() -> None:
    """Print recall and precision with values and with names alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print what was missed and what was wrong")
    given = parser.parse_args()
    pairs = [(each["old"], each["new"]) for each in map(json.loads, given.file.read_text().splitlines())]
    chance = random.Random(given.seed)  # noqa: S311 - no secret
    trials = [
        trial(*names, chance, renamed=renamed)
        for names in pairs
        for renamed in (True, False)
        for _ in range(given.trials)
    ]
    print(f"{len(pairs)} renames, {len(trials)} tables, seed {given.seed}")
    for valued in (True, False):
        measured("values and names" if valued else "names alone", trials, valued=valued, show=given.show)


def measured(title: str, trials: Sequence[Trial], *, valued: bool, show: bool) -> None:
    """Print a line of figures."""
    right, claimed, began = 0, 0, time.process_time()
    for each in trials:
        for rename in each.inferred(valued=valued):
            claimed += 1
            right += (rename.old, rename.new) == each.truth
            if show and (rename.old, rename.new) != each.truth:
                print("  wrong ", rename, each.truth)
        if show and each.truth and not any((r.old, r.new) == each.truth for r in each.inferred(valued=valued)):
            domain = next(column.domain for column in each.old if column.name == each.truth[0])
            print("  missed", each.truth, next(kind for kind, known in DOMAINS.items() if known is domain))
    wanted = sum(each.truth is not None for each in trials)
    seconds = time.process_time() - began
    print(
        f"{title}: recall {right / wanted:.3f}, precision {right / max(1, claimed):.3f} "
        f"({right} of {wanted} found, {claimed - right} wrong; {seconds:.0f} s with the making of values)"
    )


if __name__ == "__main__":
    main()
