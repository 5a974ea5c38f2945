"""A model of a table, random ALTERs of the table, and what a look must find afterwards, told by the model alone.

The model knows which column is which by a number of its own; nothing here is read from the database.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random

TYPES = ("integer", "bigint", "numeric(12,2)", "text", "character varying(8)", "date", "uuid", "boolean", "shop.mood")
LITERALS = {
    "integer": ("1", "2"),
    "bigint": ("3", "4"),
    "numeric(12,2)": ("1.50", "2.50"),
    "text": ("'a'", "'b'"),
    "character varying(8)": ("'c'", "'d'"),
    "date": ("'2026-01-01'", "'2026-01-02'"),
    "boolean": ("true", "false"),
}
IDENTITY = "identity"
NAMES = ("a", "b", "c", "d", "Total: EUR", "select", 'q"uote', "é", "%s", ":name", "x" * 63)
Found = tuple[str, str | None, str | None]
"""Kind, the column by its old name, and the new name where that is what changed."""


def quoted(name: str) -> str:
    """The name as SQL."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Column:
    """A column of the model."""

    id: int
    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    doubles: int | None = None
    """Id of the column that a generated column doubles."""
    comment: str | None = None


@dataclass
class Model:
    """The table as it must be."""

    random: Random
    relation: str
    columns: list[Column] = field(default_factory=list)
    key: tuple[int, ...] = ()
    unique: dict[str, tuple[int, ...]] = field(default_factory=dict)
    foreign: dict[str, int] = field(default_factory=dict)
    labels: int = 0
    """Labels that the enum type got: each changes every column of the type."""
    comment: str | None = None
    ids: Iterator[int] = field(default_factory=count)

    def copy(self) -> "Model":
        """The model as it is now."""
        return replace(self, columns=list(self.columns), unique=dict(self.unique), foreign=dict(self.foreign))

    def free(self) -> str:
        """A name that no column bears."""
        taken = {column.name for column in self.columns}
        return self.random.choice([name for name in NAMES if name not in taken])

    def some(self, fits: Callable[[Column], bool] = lambda _: True) -> Column | None:
        """A random column that fits."""
        found = [column for column in self.columns if fits(column)]
        return self.random.choice(found) if found else None

    def put(self, old: Column, **changes: object) -> None:
        """Change a column."""
        self.columns[self.columns.index(old)] = replace(old, **changes)  # type: ignore[arg-type]

    def is_doubled(self, column: Column) -> bool:
        """Whether a generated column reads the column."""
        return any(each.doubles == column.id for each in self.columns)

    def is_key(self, column: Column) -> bool:
        """Whether the column is in the primary key."""
        return column.id in self.key

    def is_bound(self, column: Column) -> bool:
        """Whether the type of the column is not free."""
        return self.is_doubled(column) or column.doubles is not None or column.id in self.foreign.values()


def expected(old: Model, new: Model) -> list[Found]:
    """What a look finds, sorted."""
    now = {column.id: column for column in new.columns}
    known = {column.id for column in old.columns}
    found: list[Found] = []
    for column in old.columns:
        other = now.get(column.id)
        if other is None:
            found.append(("REMOVE", column.name, None))
            continue
        if other.name != column.name:
            found.append(("RENAME", column.name, other.name))
        of_labels = column.type == "shop.mood" and old.labels != new.labels
        differ = {
            "TYPE_CHANGE": column.type != other.type or of_labels,
            "NULLABILITY": column.nullable != other.nullable,
            "DEFAULT": (column.default, column.doubles) != (other.default, other.doubles),
            "CONSTRAINT": _first_of(old.unique, column) != _first_of(new.unique, column),
            "DESCRIPTION": column.comment != other.comment,
        }
        found += [(kind, column.name, None) for kind, differs in differ.items() if differs]
        if (column.type == "shop.mood") != (other.type == "shop.mood"):
            found.append(("DESCRIPTION", column.name, None))  # the name of an enum type is a fact beside its labels
        if _linked(old, column) != _linked(new, column):
            found.append(("CONSTRAINT", column.name, None))
    found += [("ADD", column.name, None) for column in new.columns if column.id not in known]
    if set(old.key) != set(new.key):
        found.append(("KEY", None, None))
    if old.comment != new.comment:
        found.append(("DESCRIPTION", None, None))
    return sorted(found, key=str)


def _first_of(keys: dict[str, tuple[int, ...]], column: Column) -> set[tuple[int, ...]]:
    return {key for key in keys.values() if key[0] == column.id}


def _linked(model: Model, column: Column) -> int:
    return sum(each == column.id for each in model.foreign.values())


Alter = Callable[[Model], list[str]]
"""Changes the model and gives the statements that do the same; none when it cannot be done now."""


def rename(model: Model) -> list[str]:
    column, name = model.some(), model.free()
    return _renamed(model, column, name) if column else []


def _renamed(model: Model, column: Column, name: str) -> list[str]:
    model.put(column, name=name)
    return [f"ALTER TABLE {model.relation} RENAME {quoted(column.name)} TO {quoted(name)}"]


def swap(model: Model) -> list[str]:
    """Two columns take each other's name: found as two renames, although the names are the same as before."""
    if len(model.columns) < 2:
        return []
    first, second = model.random.sample(model.columns, 2)
    between = replace(first, name="in between")
    statements = _renamed(model, first, between.name)
    statements += _renamed(model, second, first.name)
    return statements + _renamed(model, between, second.name)


def chain(model: Model) -> list[str]:
    """`b` becomes `c`, and then `a` becomes `b`."""
    if len(model.columns) < 2:
        return []
    first, second = model.random.sample(model.columns, 2)
    statements = _renamed(model, second, model.free())
    return statements + _renamed(model, first, second.name)


def drop(model: Model) -> list[str]:
    column = model.some(lambda each: not model.is_doubled(each))
    return _dropped(model, column) if column and len(model.columns) > 2 else []


def _dropped(model: Model, column: Column) -> list[str]:
    model.columns.remove(column)
    if model.is_key(column):
        model.key = ()
    model.unique = {name: key for name, key in model.unique.items() if column.id not in key}
    model.foreign = {name: each for name, each in model.foreign.items() if each != column.id}
    return [f"ALTER TABLE {model.relation} DROP {quoted(column.name)}"]


def add(model: Model) -> list[str]:
    return _added(model, model.free()) if len(model.columns) < len(NAMES) - 2 else []


def _added(model: Model, name: str) -> list[str]:
    kind = model.random.choice(TYPES)
    literal = model.random.choice((None, *LITERALS.get(kind, ())))
    column = Column(next(model.ids), name, kind, nullable=model.random.random() < 0.7, default=literal)
    model.columns.append(column)
    more = ("" if column.nullable else " NOT NULL") + (f" DEFAULT {literal}" if literal else "")
    return [f"ALTER TABLE {model.relation} ADD {quoted(name)} {kind}{more}"]


def add_doubled(model: Model) -> list[str]:
    source = model.some(lambda each: each.type == "integer" and each.doubles is None)
    if source is None or len(model.columns) >= len(NAMES) - 2:
        return []
    column = Column(next(model.ids), model.free(), "integer", doubles=source.id)
    model.columns.append(column)
    how = f"integer GENERATED ALWAYS AS ({quoted(source.name)} * 2) STORED"
    return [f"ALTER TABLE {model.relation} ADD {quoted(column.name)} {how}"]


def drop_expression(model: Model) -> list[str]:
    column = model.some(lambda each: each.doubles is not None)
    if column is None:
        return []
    model.put(column, doubles=None)
    return [f"ALTER TABLE {model.relation} ALTER {quoted(column.name)} DROP EXPRESSION"]


def drop_and_add(model: Model) -> list[str]:
    """Another column under the same name: never a rename, never nothing."""
    column = model.some(lambda each: not model.is_doubled(each))
    return _dropped(model, column) + _added(model, column.name) if column else []


def retype(model: Model) -> list[str]:
    column = model.some(lambda each: not model.is_bound(each) and each.default != IDENTITY)
    if column is None:
        return []
    kind = model.random.choice([each for each in TYPES if each != column.type])
    model.put(column, type=kind, default=None)
    start = f"ALTER TABLE {model.relation} ALTER {quoted(column.name)}"
    return [f"{start} DROP DEFAULT", f"{start} TYPE {kind} USING NULL::{kind}"]


def renull(model: Model) -> list[str]:
    column = model.some(lambda each: not model.is_key(each) and each.default != IDENTITY)
    if column is None:
        return []
    model.put(column, nullable=not column.nullable)
    change = "SET" if column.nullable else "DROP"
    return [f"ALTER TABLE {model.relation} ALTER {quoted(column.name)} {change} NOT NULL"]


def redefault(model: Model) -> list[str]:
    column = model.some(lambda each: each.doubles is None and each.default != IDENTITY and each.type in LITERALS)
    if column is None:
        return []
    literal = model.random.choice((None, *LITERALS[column.type]))
    model.put(column, default=literal)
    change = f"SET DEFAULT {literal}" if literal else "DROP DEFAULT"
    return [f"ALTER TABLE {model.relation} ALTER {quoted(column.name)} {change}"]


def identify(model: Model) -> list[str]:
    """An identity comes, or goes."""
    column = model.some(lambda each: each.default == IDENTITY)
    if column is not None:
        model.put(column, default=None)
        return [f"ALTER TABLE {model.relation} ALTER {quoted(column.name)} DROP IDENTITY"]
    column = model.some(
        lambda each: each.type == "bigint" and not each.nullable and each.default is None and each.doubles is None
    )
    if column is None:
        return []
    model.put(column, default=IDENTITY)
    return [f"ALTER TABLE {model.relation} ALTER {quoted(column.name)} ADD GENERATED ALWAYS AS IDENTITY"]


def rekey(model: Model) -> list[str]:
    """A primary key goes, or comes and makes its columns NOT NULL, which they stay without the key."""
    if model.key:
        model.key = ()
        return [f"ALTER TABLE {model.relation} DROP CONSTRAINT {quoted(f'key of {model.relation}')}"]
    columns = model.random.sample(model.columns, model.random.randint(1, min(2, len(model.columns))))
    model.key = tuple(column.id for column in columns)
    for column in columns:
        model.put(column, nullable=False)
    names = ", ".join(quoted(column.name) for column in columns)
    return [f"ALTER TABLE {model.relation} ADD CONSTRAINT {quoted(f'key of {model.relation}')} PRIMARY KEY ({names})"]


def rebuild_key(model: Model) -> list[str]:
    """A column of a key is made anew, with its name, and the key over the same names: another key all the same."""
    column = model.some(lambda each: not model.is_doubled(each) and each.type == "integer")
    if column is None:
        return []
    keyed, keys = model.is_key(column), [key for key in model.unique.values() if column.id in key]
    names = {each.id: each.name for each in model.columns}
    old_key = [names[each] for each in model.key]
    statements = _dropped(model, column)
    new = Column(next(model.ids), column.name, "integer", nullable=not keyed)
    model.columns.append(new)
    statements.append(
        f"ALTER TABLE {model.relation} ADD {quoted(new.name)} integer{'' if new.nullable else ' NOT NULL'}"
    )
    ids = {each.name: each.id for each in model.columns}
    if keyed:
        model.key = tuple(ids[name] for name in old_key)
        listed = ", ".join(map(quoted, old_key))
        name = quoted(f"key of {model.relation}")
        statements.append(f"ALTER TABLE {model.relation} ADD CONSTRAINT {name} PRIMARY KEY ({listed})")
    for key in keys:
        statements.append(_unique(model, [names[each] for each in key], ids))
    return statements


def _unique(model: Model, columns: list[str], ids: dict[str, int]) -> str:
    name = f"unique {next(model.ids)} of {model.relation}"
    model.unique[name] = tuple(ids[column] for column in columns)
    return f"CREATE UNIQUE INDEX {quoted(name)} ON {model.relation} ({', '.join(map(quoted, columns))})"


def reunique(model: Model) -> list[str]:
    if model.unique and model.random.random() < 0.5:
        name = model.random.choice(sorted(model.unique))
        del model.unique[name]
        return [f"DROP INDEX shop.{quoted(name)}"]
    columns = model.random.sample(model.columns, model.random.randint(1, min(2, len(model.columns))))
    return [_unique(model, [column.name for column in columns], {column.name: column.id for column in columns})]


def relink(model: Model) -> list[str]:
    if model.foreign and model.random.random() < 0.5:
        name = model.random.choice(sorted(model.foreign))
        del model.foreign[name]
        return [f"ALTER TABLE {model.relation} DROP CONSTRAINT {quoted(name)}"]
    column = model.some(lambda each: each.type == "integer" and each.id not in model.foreign.values())
    if column is None:
        return []
    name = f"link {next(model.ids)}"
    model.foreign[name] = column.id
    how = f"FOREIGN KEY ({quoted(column.name)}) REFERENCES shop.target"
    return [f"ALTER TABLE {model.relation} ADD CONSTRAINT {quoted(name)} {how}"]


def comment(model: Model) -> list[str]:
    column = model.some()
    if column is None:
        return []
    model.put(column, comment=None if column.comment else "In words")
    words = "NULL" if column.comment else "'In words'"
    return [f"COMMENT ON COLUMN {model.relation}.{quoted(column.name)} IS {words}"]


def comment_all(model: Model) -> list[str]:
    model.comment = f"Number {next(model.ids)}"
    return [f"COMMENT ON TABLE {model.relation} IS '{model.comment}'"]


def label(model: Model) -> list[str]:
    model.labels += 1
    return [f"ALTER TYPE shop.mood ADD VALUE 'label {next(model.ids)} of {model.relation}'"]


def rename_constraint(model: Model) -> list[str]:
    """Names of keys are nothing that anybody relies on."""
    if not model.foreign:
        return []
    old = model.random.choice(sorted(model.foreign))
    new = f"link {next(model.ids)}"
    model.foreign[new] = model.foreign.pop(old)
    return [f"ALTER TABLE {model.relation} RENAME CONSTRAINT {quoted(old)} TO {quoted(new)}"]


ALTERS: tuple[Alter, ...] = (
    *(rename, rename, swap, chain, drop, add, add, add, add_doubled, drop_expression, drop_and_add, retype, renull),
    *(redefault, identify, rekey, rebuild_key, reunique, relink, comment, comment_all, label, rename_constraint),
)
