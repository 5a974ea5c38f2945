"""Which targets the name of a column may mean, found without comparing every column with every table. Pure."""

from collections.abc import Sequence
from typing import Final

from app.catalog.joins.discovery.likeness import of_word
from app.catalog.joins.discovery.naming import ColumnName, NameEvidence, TargetName, evidence
from app.catalog.joins.discovery.words import ABBREVIATIONS, HIERARCHY, PEOPLE, RANKS, ROLES

LEAST: Final = 0.3
"""Evidence of a name below which it counts as none."""


class Targets:
    """An index of targets by the last word and the whole of their names, and by the roles that their rows have."""

    def __init__(self, targets: Sequence[TargetName]) -> None:
        self._targets = targets
        self._last: dict[str, set[int]] = {}
        self._whole: dict[str, set[int]] = {}
        self._own: dict[str, set[int]] = {}
        self._near: dict[str, set[int]] = {}
        for place, target in enumerate(targets):
            for words in (*(words for words, _ in target.entities), *(key.words for key in target.keys)):
                if words:
                    self._last.setdefault(words[-1], set()).add(place)
                    self._whole.setdefault("".join(words), set()).add(place)
                    self._whole.setdefault("".join(word[0] for word in words), set()).add(place)
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
            joined = "".join(reading.words)
            places |= self._alike(reading.words[-1]) | (self._alike(joined) if len(reading.words) > 1 else set())
            for start in range(len(joined)):
                places |= self._whole.get(joined[start:], set())
            if reading.suffix == "of" or not HIERARCHY.isdisjoint(reading.words) or not RANKS.isdisjoint(reading.words):
                places |= self._own.get(column.table, set())
            for entity in _entities_of_roles(reading.words, by=reading.suffix == "to"):
                places |= self._last.get(entity, set())
        return places

    def _alike(self, word: str) -> set[int]:
        """The targets whose last word, or whole name, may be meant by the word; each word is compared once."""
        if word not in self._near:
            found: set[int] = set()
            for names in (self._last, self._whole):
                for name, places in names.items():
                    if name[0] == word[0] and of_word(word, name):
                        found |= places
            full = ABBREVIATIONS.get(word)
            self._near[word] = found | (self._last.get(full, set()) if full else set())
        return self._near[word]


def _entities_of_roles(words: tuple[str, ...], *, by: bool) -> set[str]:
    """The entities that have the role which the words name, if they name one."""
    groups = [group for word in words for group in ROLES.get(ABBREVIATIONS.get(word, word), ())]
    found = {entity for group in groups for entity in group}
    return found | PEOPLE if by else found
