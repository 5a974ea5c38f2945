"""What the parser asks of the schema: fields, keys, what shows a row, which column says when. Pure."""

from collections.abc import Iterable
from typing import Final

from app.query.language.algebra.model import Calendar, Duration, Field
from app.query.language.algebra.paths import JoinGraph
from app.query.language.linking.keys import shown_columns
from app.query.language.linking.names import words_of
from app.query.language.linking.schema_index import SchemaIndex
from app.query.language.reading.calendar import DAY_NAMES, MONTH_NAMES
from app.query.language.reading.stems import stem
from app.query.language.vocabulary.model import Column, Kind, Table, Vocabulary

_MEASURED: Final = frozenset(
    """
    amount price cost quantity total count number rating score balance value salary revenue income fee tax discount
    shares volume weight height length width area population distance duration size rate budget profit margin age
    mileage capacity limit stock sale credit elevation density point likes like citation reference capacity level
    percent percentage commission open close high low temperature dose dosage depth minutes hours seconds payment
    """.split()  # noqa: SIM905 - a list of dozens of quoted words is read by nobody
)
_WHEN_FIRST: Final = ("date", "time", "created", "start", "occurred", "order", "transaction", "made", "made", "day")
_PRICES: Final = ("price", "cost", "fee", "amount", "fare", "rent")
_PAY: Final = ("salary", "wage", "income", "pay", "earnings", "earning")
_SIZES: Final = ("area", "size", "population", "capacity", "length", "height", "elevation")


_BEGIN: Final = frozenset(stem(word) for word in ("start", "begin", "departure", "opened"))
_END: Final = frozenset(stem(word) for word in ("end", "finish", "arrival", "closed", "completed"))
_HINTS: Final = {
    "aged": ("age",), "older": ("age",), "younger": ("age",), "expensive": _PRICES, "cheaper": _PRICES,
    "costlier": _PRICES, "costing": _PRICES, "longer": ("length", "duration"),
    "shorter": ("length", "duration", "height"),
    "heavier": ("weight",), "lighter": ("weight",), "taller": ("height",), "larger": _SIZES, "bigger": _SIZES,
    "smaller": _SIZES, "faster": ("speed",), "slower": ("speed",), "earn": _PAY, "earns": _PAY, "earned": _PAY,
    "earning": _PAY, "paid": _PAY, "weigh": ("weight",), "weighs": ("weight",), "weighing": ("weight",),
    "weighed": ("weight",), "lasted": ("duration", "length"), "lasting": ("duration", "length"),
}  # fmt: skip
_DATED_BY: Final = {
    "placed": ("ordered",), "bought": ("purchase", "order", "sale"), "born": ("birth",), "died": ("death",),
    "signups": ("signed", "signup"), "signup": ("signed", "signup"), "registrations": ("registered",),
    "dispatched": ("ship",), "arrived": ("arrival", "delivery"), "launched": ("release",),
}  # fmt: skip
"""What a date may be called that says when what the word says was done."""


class Context:
    """A vocabulary as the parser sees it."""

    def __init__(self, vocabulary: Vocabulary, index: SchemaIndex, graph: JoinGraph) -> None:
        self.vocabulary, self.index, self.graph = vocabulary, index, graph
        self.tables = index.tables

    def field(self, table: str, column: str) -> Field:
        """The column as a field of a query."""
        found = self.tables[table].column(column)
        if found is None:
            raise KeyError(f"{table}.{column}")
        return _field(self.tables[table], found)

    def key(self, table: str) -> tuple[Field, ...]:
        """The fields that name a row of the table."""
        return tuple(self.field(table, name) for name in self.tables[table].key)

    def shown(self, table: str) -> tuple[Field, ...]:
        """The fields that show a row of the table to a reader."""
        return tuple(_field(self.tables[table], column) for column in shown_columns(self.tables[table]))

    def entity(self, table: str) -> tuple[Field, ...]:
        """What stands for a row of the table in an answer: what it is called, and its key; else all of it."""
        shown, key = self.shown(table), self.key(table)
        if shown and len(key) == 1 and self.refers(key[0]) is not None:
            return shown  # a row belongs to one of another table, and is known by what it is called alone
        found = (*shown, *key)
        return tuple(dict.fromkeys(found)) or tuple(
            _field(self.tables[table], each) for each in self.tables[table].columns
        )

    def names_rows(self, field: Field) -> bool:
        """Whether the column says what a row is called, and not what else it is of: a hotel, no test's course."""
        said = set(self.words(field)) - {"name", "title", "label", "first", "last", "full", "number", "code", "id"}
        unique = self.tables[field.table].column(field.column)
        return said <= set(self.index.words[field.table]) or (unique is not None and unique.unique)

    def is_key(self, field: Field) -> bool:
        """Whether the field names a row of its table."""
        return self.tables[field.table].key == (field.column,)

    def refers(self, field: Field) -> str | None:
        """The table that the field refers to by an accepted join."""
        for step in self.graph.steps(field.table):
            if (
                not step.multiplies
                and step.source == step.join.left_table
                and [p[0] for p in step.pairs] == [field.column]
            ):
                return step.target
        return None

    def is_reference(self, field: Field) -> bool:
        """Whether the field is a key or refers to one, so that its numbers are no quantities."""
        return self.is_key(field) or self.refers(field) is not None or self.words(field)[-1:] in (("id",), ("code",))

    def words(self, field: Field) -> tuple[str, ...]:
        """The words of the field's name."""
        column = self.tables[field.table].column(field.column)
        return words_of(self.tables[field.table], column) if column else ()

    def names_row(self, field: Field) -> bool:
        """Whether the field is called as its table is: a number of a flight among flights, which is no quantity."""
        return self.words(field) == self.index.words[field.table]

    def is_quantity(self, field: Field) -> bool:
        """Whether sums and averages of the field mean something."""
        return field.kind is Kind.NUMBER and not self.is_reference(field) and not self.names_row(field)

    def counts(self, field: Field) -> bool:
        """Whether the field's own numbers count something: `citation_num`, `review_count`, `likes`."""
        if not self.is_quantity(field):
            return False
        words = self.words(field)
        return (
            words[-1] in {"number", "count", "total"}
            or words[0] in {"number", "count", "total", "num"}
            or (len(words) == 1 and field.column.lower().endswith("s"))
        )

    def moments(self, table: str) -> list[Field]:
        """The fields of the table that say when."""
        return [
            _field(self.tables[table], column)
            for column in self.tables[table].columns
            if column.kind in {Kind.DATE, Kind.MOMENT}
        ]

    def when(self, table: str, said: Iterable[str]) -> tuple[Field | None, bool]:
        """The field that says when a row of the table is of, and whether others might; by words said near it."""
        fields = self.moments(table)
        if len(fields) < 2:  # noqa: PLR2004
            return (fields[0], False) if fields else (None, False)
        own = {stem(word) for word in self.index.words[table]}
        stems = {stem(word) for each in said for word in (each, *_DATED_BY.get(each, ()))} - own
        named = [field for field in fields if any(stem(word) in stems for word in self.words(field)
                                                  if word not in {"date", "time", "at"})]  # fmt: skip
        if len(named) == 1:
            return named[0], False

        def rank(field: Field) -> int:
            words = self.words(field)
            if own & {stem(word) for word in words}:
                return -1
            return next((place for place, word in enumerate(_WHEN_FIRST) if word in words), len(_WHEN_FIRST))

        pool = named or fields
        created = [
            field for field in pool if "created" in self.words(field) or self.words(field) in (("date",), ("time",))
        ]
        return (created or sorted(pool, key=rank))[0], True

    def is_own_date(self, field: Field) -> bool:
        """Whether the date is that of the row itself by its name: of creation, or called as the table is."""
        words = self.words(field)
        own = {stem(word) for word in self.index.words[field.table]}
        return "created" in words or words in {("date",), ("time",)} or bool(own & {stem(word) for word in words})

    def moment_of(self, table: str, verb: str) -> Field | None:
        """The only field that says when what the verb says was done: `return_date` of returned."""
        said = stem(verb)
        found = [each for each in self.moments(table) if said in {stem(word) for word in self.words(each)}]
        return found[0] if len(found) == 1 else None

    def number_column(self, table: str, *words: str) -> Field | None:
        """The only quantity of the table that one of the words names."""
        found = [
            _field(self.tables[table], column)
            for column in self.tables[table].columns
            if column.kind is Kind.NUMBER and set(words_of(self.tables[table], column)) & set(words)
        ]
        found = [field for field in found if self.is_quantity(field)]
        return found[0] if len(found) == 1 else None

    def price(self, table: str) -> Field | None:
        """The column that says what a row of the table costs."""
        return next((found for word in _PRICES if (found := self.number_column(table, word)) is not None), None)

    def hinted(self, table: str, said: str) -> Field | None:
        """The column that a comparison is about by its own word: older than, heavier than."""
        for word in said.lower().split():
            for name in _HINTS.get(word, ()):
                if (found := self.number_column(table, name)) is not None:
                    return found
        return None

    def stemmed(self, table: str, verb: str) -> Field | None:
        """The only quantity of the table that is called like the verb: scored, delayed."""
        fields = [_field(self.tables[table], column) for column in self.tables[table].columns]
        found = [each for each in fields if stem(verb) in {stem(word) for word in self.words(each)}]
        found = [each for each in found if self.is_quantity(each)]
        return found[0] if len(found) == 1 else None

    def size(self, table: str) -> Field | None:
        """The column that says how large a row of the table is, if it is the only one."""
        found = [field for word in _SIZES if (field := self.number_column(table, word)) is not None]
        return found[0] if len(set(found)) == 1 else None

    def year(self, table: str) -> Field | None:
        """The column of years as numbers; one like `publication_year` where nothing else says when."""
        found = self._part(table, "year", Kind.NUMBER)
        if found is not None or self.moments(table):
            return found
        fields = [_field(self.tables[table], column) for column in self.tables[table].columns]
        years = [each for each in fields if each.kind is Kind.NUMBER and self.words(each)[-1] == "year"]
        return years[0] if len(years) == 1 else None

    def month(self, table: str) -> Field | None:
        """The column of months, by name or number."""
        return self._part(table, "month", Kind.TEXT) or self._part(table, "month", Kind.NUMBER)

    def _part(self, table: str, word: str, kind: Kind) -> Field | None:
        for column in self.tables[table].columns:
            if column.kind is kind and words_of(self.tables[table], column) == (word,):
                return _field(self.tables[table], column)
        return None

    def calendar(self, field: Field) -> Calendar | None:
        """The order of a column of names of months or days; None of any other column."""
        values = self.vocabulary.values.distinct(field.table, field.column) if field.kind is Kind.TEXT else None
        if not values:
            return None
        return next(
            (
                Calendar(field, names)
                for names in (MONTH_NAMES, DAY_NAMES)
                if {each.strip() for each in values} <= set(names)
            ),
            None,
        )

    def spellings(self, field: Field, name: str) -> tuple[str, ...]:
        """How a name is stored in the column: with blanks behind it, too, if it is."""
        values = self.vocabulary.values.distinct(field.table, field.column) or ()
        return tuple(each for each in values if each.strip().lower() == name.lower()) or (name,)

    def tally(self, table: str) -> Field | None:
        """The column that says how many each row of the table stands for: `count` of check-ins by day."""
        return self._part(table, "count", Kind.NUMBER)

    def duration(self, table: str) -> Duration | None:
        """From the beginning to the end of a row of the table, if its columns say both."""
        moments = {field: {stem(word) for word in self.words(field)} for field in self.moments(table)}
        low = [field for field, words in moments.items() if words & _BEGIN]
        high = [field for field, words in moments.items() if words & _END]
        if not low and len(high) == 1 and len(moments) == 2:  # noqa: PLR2004
            low = [field for field in moments if field not in high]
        return Duration(low[0], high[0]) if len(low) == 1 and len(high) == 1 else None

    def children(self, table: str) -> list[str]:
        """The tables of which several rows belong to one of the table."""
        return list(dict.fromkeys(step.target for step in self.graph.steps(table) if step.multiplies))


def _field(table: Table, column: Column) -> Field:
    return Field(table.name, column.name, column.kind, column.zoned)
