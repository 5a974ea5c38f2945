"""The engine of what is known now, kept between questions."""

from typing import Any

from app.query.language.engine import Engine
from app.query.language.vocabulary.model import Vocabulary


class Engines:
    """Keeps the newest engine of the process: making one takes up to a second where there are thousands of columns."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[Any, ...], Engine] | None = None

    def of(self, vocabulary: Vocabulary) -> Engine:
        """The engine for the vocabulary; a new one where tables, joins, terms or the zone are others than before."""
        known = (vocabulary.tables, vocabulary.joins, vocabulary.glossary, vocabulary.zone)
        kept = self._kept
        if kept is None or kept[0] != known:
            kept = self._kept = (known, Engine(vocabulary))
        return kept[1].told(vocabulary)
