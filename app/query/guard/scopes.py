"""The meaning of a name in a statement: sources, their columns, and where each column comes from.

Invariant: a column reference resolves to one visible column of one source, by PostgreSQL's own rules, or it is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.query.guard.findings import GuardRefusal
from app.query.guard.functions import ALLOWED
from app.query.guard.relations import HIDDEN_PREFIX, nearest_names
from app.query.guard.sizes import SCALAR_BYTES

SYSTEM_COLUMNS: Final = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"})


NAMES_LOOKED_AT: Final = 2_000

UNITS: Final = 20_000
"""A read of the widest table (1,600 columns) takes 8,000; statements of people a few hundred."""


class Budget:
    """How much work an examination may be: spent while names are resolved, and refused when it is spent.

    The length of a statement does not bound the work that it asks for: a chain of `SELECT *` multiplies columns, and a
    name is looked for in every source. A unit is a column made, or a source looked into: some two microseconds.
    """

    def __init__(self, units: int = UNITS) -> None:
        self._left = units

    def spend(self, units: int) -> None:
        """Take the units. Raises `GuardRefusal` when there are not as many left."""
        self._left -= units
        if self._left < 0:
            message = "The statement makes too many columns, or names too many."
            raise GuardRefusal("too-complex", message, "name the columns")


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a source. `origin` is the (logical table, column) that it passes on unchanged, if it does.

    `bytes` bounds its values, as `app/query/guard/sizes.py` counts.
    """

    name: str
    origin: tuple[str, str] | None = None
    bytes: float = SCALAR_BYTES

    def united(self, other: "Output") -> "Output":
        """The column of two queries one below the other."""
        origin = self.origin if self.origin == other.origin else None
        return Output(self.name, origin, max(self.bytes, other.bytes))


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An entry of FROM. `tables` are the governed tables it draws on; `kind` is table, query, values or function.

    `alias` is unique in its scope; `named` says whether a statement can write it; `lateral` says that it is made anew
    from each row of the sources before it.
    """

    alias: str
    kind: str
    columns: tuple[Output, ...]
    tables: frozenset[str] = frozenset()
    named: bool = True
    lateral: bool = False
    rows: float = 1.0  # how many, by the statement alone; rows of data count as one
    _by_name: dict[str, Output | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Output | None] = {column.name: column for column in self.columns}
        if len(by_name) < len(self.columns):
            met: set[str] = set()
            for column in self.columns:
                if column.name in met:
                    by_name[column.name] = None
                met.add(column.name)
        object.__setattr__(self, "_by_name", by_name)

    @property
    def bounded(self) -> bool:
        """Whether its number of rows is written in the statement itself."""
        return self.kind in {"values", "function"} and not self.lateral

    def column(self, name: str) -> Output | None:
        """The column of that name, or None. Raises `GuardRefusal` when there are several."""
        if name not in self._by_name:
            return None
        found = self._by_name[name]
        if found is None:
            raise GuardRefusal(
                "ambiguous-column", f"{name} names several columns of {self.alias}.", f"{name} AS another_name"
            )
        return found


@dataclass(frozen=True, slots=True)
class Reference:
    """A column reference, resolved.

    `depth` counts the enclosing queries between it and its source; `sources` are several only for a column merged by
    USING.
    """

    depth: int
    sources: tuple[Source, ...]
    output: Output


@dataclass(slots=True)
class Scope:
    """The names that an expression sees: the sources of its query so far, then those of the enclosing queries."""

    budget: Budget
    outer: "Scope | None" = None
    sources: dict[str, Source] = field(default_factory=dict)
    merged: dict[str, Reference] = field(default_factory=dict)
    star: list[tuple[str | None, Output]] = field(default_factory=list)  # what * means: (alias or None, column)
    references_out: list[Reference] = field(default_factory=list)
    rows: float = 1.0  # as of a source: of all of them together
    incomplete: bool = False  # a source was refused: names missing because of it are not findings of their own

    def add(self, source: Source) -> None:
        """Adds a source of FROM. Raises `GuardRefusal` when its alias is taken."""
        if source.alias in self.sources:
            raise GuardRefusal(
                "duplicate-alias", f"{source.alias} names two tables.", f"{source.alias} AS another_name"
            )
        self.budget.spend(1 + len(source.columns))
        self.sources[source.alias] = source
        self.rows = self.rows * source.rows if source.lateral else max(self.rows, source.rows)
        self.star.extend((source.alias if source.named else None, column) for column in source.columns)

    def merge(self, names: list[str], right: Source) -> list[tuple[Reference, Output]]:
        """The pairs made equal by USING, now merged. Raises `GuardRefusal` for a name missing on a side."""
        pairs = []
        for name in names:
            inner = right.column(name)
            left = self._using(name, right)
            if inner is None or left is None:
                nearest = nearest_names(name, [column.name for column in right.columns])
                raise GuardRefusal("unknown-column", f"{name} is not a column of both sides of USING.", nearest)
            pairs.append((left, inner))
            self.merged[name] = Reference(0, (*left.sources, right), left.output)
        self.budget.spend(len(self.star))
        chosen = [(None, Output(name, self.merged[name].output.origin)) for name in names]
        self.star = [*chosen, *(entry for entry in self.star if entry[1].name not in names)]
        return pairs

    def _using(self, name: str, right: Source) -> Reference | None:
        if name in self.merged:
            return self.merged[name]
        found = [
            (source, column)
            for source in self.sources.values()
            if source is not right and (column := source.column(name))
        ]
        if len(found) > 1:
            raise GuardRefusal(
                "ambiguous-column", f"{name} names columns of several tables.", f"ON a.{name} = b.{name}"
            )
        return Reference(0, (found[0][0],), found[0][1]) if found else None

    def resolve(self, name: str, table: str | None) -> Reference:
        """The meaning of `table.name`, or `name` alone. Raises `GuardRefusal` for nothing, several things or a row."""
        for depth, scope in enumerate(self._chain()):
            found = scope.own(name, table)
            if found is not None:
                self.budget.spend(depth)
                reference = Reference(depth, found.sources, found.output)
                for crossed, inner in zip(range(depth), self._chain(), strict=False):
                    inner.references_out.append(Reference(depth - crossed, found.sources, found.output))
                return reference
        raise self._unresolved(name, table)

    def own(self, name: str, table: str | None) -> Reference | None:
        """The reference within this query alone, or None."""
        if table is not None:
            self.budget.spend(1)
            source = self.sources.get(table)
            if source is None or not source.named:
                return None
            column = source.column(name)
            if column is None:
                raise self._not_a_column(name, source)
            return Reference(0, (source,), column)
        self.budget.spend(1 + len(self.sources))
        if name in self.merged:
            return self.merged[name]
        found = [(source, column) for source in self.sources.values() if (column := source.column(name)) is not None]
        if len(found) > 1:
            aliases = ", ".join(f"{source.alias}.{name}" for source, _ in found if source.named)
            raise GuardRefusal("ambiguous-column", f"{name} names columns of several tables.", aliases or None)
        return Reference(0, (found[0][0],), found[0][1]) if found else None

    def excuses(self, refusal: GuardRefusal) -> bool:
        """Whether a missing name follows from a source that is refused already."""
        return refusal.rule in {"unknown-column", "unknown-alias"} and any(scope.incomplete for scope in self._chain())

    def _chain(self) -> "Iterator[Scope]":
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def _names(self) -> list[str]:
        """Names that a statement may have meant: the first of a great number, as each takes a time of its own."""
        sources = (source for scope in self._chain() for source in scope.sources.values())
        return list(islice((column.name for source in sources for column in source.columns), NAMES_LOOKED_AT))

    def _unresolved(self, name: str, table: str | None) -> GuardRefusal:
        if table is not None:
            aliases = [source.alias for scope in self._chain() for source in scope.sources.values() if source.named]
            return GuardRefusal(
                "unknown-alias", f"{table} is not a table of this query.", nearest_names(table, aliases)
            )
        for scope in self._chain():
            source = scope.sources.get(name)
            if source is not None and source.named:
                if source.kind == "function":
                    return GuardRefusal(
                        "function-alias-column",
                        f"{name} is a table function, not a column.",
                        ", ".join(f"{name}.{column.name}" for column in source.columns),
                    )
                return GuardRefusal("whole-row-reference", f"{name} is a whole row, not a column.", f"{name}.column")
        return self._not_a_column(name, None)

    def _not_a_column(self, name: str, source: Source | None) -> GuardRefusal:
        nearest = nearest_names(name, self._names() if source is None else [column.name for column in source.columns])
        if name in SYSTEM_COLUMNS or name.startswith(HIDDEN_PREFIX):
            return GuardRefusal("system-column", f"{name} is not a column that queries may read.", nearest)
        if source is not None and source.kind != "function" and name in ALLOWED:
            return GuardRefusal("attribute-notation", f"{source.alias}.{name} would call a function.", f"{name}(…)")
        return GuardRefusal("unknown-column", f"{name} is not a column of this query.", nearest)
