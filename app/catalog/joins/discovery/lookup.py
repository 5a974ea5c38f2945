"""Which targets the name of a column may mean, found without comparing every column with every table. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from app.catalog.joins.discovery.naming import ColumnName, NameEvidence, TargetName, evidence
from app.catalog.joins.discovery.words import ABBREVIATIONS, HIERARCHY, PEOPLE, RANKS, ROLES

LEAST: Final = 0.3
"""Evidence of a name below which it counts as none."""


class Targets:
    """An index of targets by the beginnings and the whole of their names."""

    def __init__(self, targets: Sequence[TargetName]) -> None:
        self._initials: dict[str, set[int]] = {}
        self._endings: dict[str, set[int]] = {}
        self._entities: dict[str, set[int]] = {}
        self._own: dict[str, set[int]] = {}
        self._targets = targets
        for place, target in enumerate(targets):
            names = [words for words, _ in target.entities] + [key.words for key in target.keys]
            for words in names:
                for word in words:
                    self._initials.setdefault(word[:1], set()).add(place)
                self._endings.setdefault("".join(words), set()).add(place)
                if len(words) > 1:
                    self._endings.setdefault("".join(word[0] for word in words), set()).add(place)
            for words, _ in target.entities:
                if words:
                    self._entities.setdefault(words[-1], set()).add(place)
            self._own.setdefault(target.table, set()).add(place)

    def of(self, column: ColumnName) -> list[tuple[TargetName, NameEvidence]]:
        """The targets that the name of the column speaks for, but itself, each with the evidence."""
        found = []
        for place in sorted(self._places(column)):
            target = self._targets[place]
            if (target.table, target.column) != (column.table, column.column):
                said = evidence(column, target)
                if said.score >= LEAST:
                    found.append((target, said))
        return found

    def _places(self, column: ColumnName) -> set[int]:
        places: set[int] = set()
        for reading in column.readings:
            if not reading.words:
                continue
            for word in reading.words:
                places |= self._initials.get(ABBREVIATIONS.get(word, word)[:1], set())
                places |= self._initials.get(word[:1], set())
                if word in HIERARCHY or word in RANKS or reading.suffix == "of":
                    places |= self._own.get(column.table, set())
            joined = "".join(reading.words)
            for start in range(len(joined)):
                places |= self._endings.get(joined[start:], set())
            places |= self._initials.get(column.entity[0][:1], set()) if column.entity else set()
            places |= self._with(_entities_of_roles(reading.words, by=reading.suffix == "to"))
        return places

    def _with(self, entities: Iterable[str]) -> set[int]:
        return set().union(*(self._entities.get(entity, set()) for entity in entities))


def _entities_of_roles(words: tuple[str, ...], *, by: bool) -> set[str]:
    """The entities that have the role which the words name, if they name one."""
    groups = [group for word in words for group in ROLES.get(ABBREVIATIONS.get(word, word), ())]
    found = {entity for group in groups for entity in group}
    return found | PEOPLE if by else found
