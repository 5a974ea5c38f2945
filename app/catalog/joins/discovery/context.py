"""What is looked up again and again of a set of tables: names, keys, targets. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.catalog.joins.discovery.keys import Grain, Named, can_refer, grains, read_names, usual_keys
from app.catalog.joins.discovery.lookup import Targets
from app.catalog.joins.discovery.model import UniqueAnswers
from app.catalog.joins.discovery.naming import ColumnName, is_count, is_identifying, is_measure
from app.catalog.joins.discovery.scoring import by_chance
from app.catalog.joins.discovery.words import TIME_TABLES
from app.warehouse.evidence.samples import ColumnEvidence, Family, TableEvidence

Place = tuple[str, str]
"""A table and a column of it."""


@dataclass(frozen=True, slots=True)
class Key:
    """The single column that identifies the rows of a table."""

    place: Place
    column: ColumnEvidence
    chance: float
    """From `by_chance`."""
    of_days: bool
    """Whether the table lists days."""


@dataclass(frozen=True, slots=True)
class Left:
    """A column that may refer to another."""

    table: str
    rows: int
    column: ColumnEvidence
    name: ColumnName
    is_key: bool
    """Whether it alone identifies the rows of its own table."""
    measuring: bool
    """Whether its name is that of a quantity."""
    identifying: bool
    """Whether its name says that it identifies something."""


@dataclass(frozen=True, slots=True)
class Context:
    """A set of tables with what its names and keys are."""

    tables: Mapping[str, TableEvidence]
    columns: Mapping[Place, ColumnEvidence]
    named: Named
    grains: Mapping[str, Grain]
    targets: Targets
    nearly: Targets
    """Columns that are unique but for some rows."""
    keys: Mapping[Family, Sequence[Key]]

    def rows(self, table: str) -> int:
        """The rows of the table."""
        return self.tables[table].rows

    def is_key(self, place: Place) -> bool:
        """Whether the column alone is what identifies a row of its table."""
        return self.grains[place[0]].key == (place[1],)

    def left(self, place: Place) -> Left:
        """The column as one that may refer."""
        column, name = self.columns[place], self.named.columns[place]
        measuring = is_measure(name) or is_count(name)
        return Left(place[0], self.rows(place[0]), column, name, self.is_key(place), measuring, is_identifying(name))


def context(tables: Sequence[TableEvidence], answers: UniqueAnswers) -> Context:
    """The names, keys and targets of the tables."""
    named = read_names(tables)
    found = grains(tables, named, answers)
    columns = {(each.table, column.name): column for each in tables for column in each.columns}
    usual = usual_keys(found, named)
    keys: dict[Family, list[Key]] = {}
    targets, nearly = [], []
    for table, grain in found.items():
        nearly += [named.target(table, name, usual) for name in grain.nearly]
        single = grain.key if grain.key and len(grain.key) == 1 else ()
        for name in (*single, *grain.secondary):
            column = columns[table, name]
            if can_refer(column):
                targets.append(named.target(table, name, usual))
                if single == (name,):
                    days = any(words and words[-1] in TIME_TABLES for words, _ in named.entities[table])
                    keys.setdefault(column.family, []).append(Key((table, name), column, by_chance(column), days))
    return Context(
        {each.table: each for each in tables}, columns, named, found, Targets(targets), Targets(nearly), keys
    )
