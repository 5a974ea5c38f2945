"""Live relations as hypothesis makes them."""

from hypothesis import strategies as st

from app.warehouse.inspection import RelationKind
from app.warehouse.live import WITH_ROWS, LiveColumn, LiveForeignKey, LiveKey, LiveRelation
from app.warehouse.naming import RelationName

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
TYPES = st.sampled_from(
    ["integer", "character varying(8)", "numeric(12,2)", "timestamp(0) without time zone", "text[]"]
)
RELATION_NAMES = st.builds(RelationName, schema=NAMES, name=NAMES)


@st.composite
def live_columns(draw: st.DrawFn, name: str, number: int) -> LiveColumn:
    """A column, with parts that exclude each other left to chance: what is read need not be sensible to be kept."""
    return LiveColumn(
        name=name,
        number=number,
        type=draw(TYPES),
        nullable=draw(st.booleans()),
        default=draw(TEXTS),
        expression=draw(st.none() | st.sampled_from(["one", "two"])),
        identity=draw(st.sampled_from(["", "a", "d"])),
        generated=draw(st.sampled_from(["", "s", "v"])),
        comment=draw(TEXTS),
        labels=draw(st.none() | st.lists(NAMES, unique=True, max_size=3).map(tuple)),
    )


def _foreign_key(name: str, columns: tuple[str, ...], oid: int, numbers: tuple[int, ...]) -> LiveForeignKey:
    """A foreign key whose target has the names that belong to its oid and numbers."""
    target = RelationName("elsewhere", f"relation_{oid}")
    return LiveForeignKey(name, columns, target, oid, tuple(f"column_{number}" for number in numbers), numbers)


@st.composite
def live_relations(draw: st.DrawFn) -> LiveRelation:
    """A relation whose keys are of its own columns; the numbers of columns have gaps."""
    names = draw(st.lists(NAMES, unique=True, max_size=6))
    numbers = sorted(draw(st.sets(st.integers(1, 40), min_size=len(names), max_size=len(names))))
    columns = tuple(draw(live_columns(name, number)) for name, number in zip(names, numbers, strict=True))
    parts = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True).map(tuple) if names else st.nothing()
    keys = st.builds(LiveKey, name=NAMES, columns=parts)
    foreign = st.builds(
        _foreign_key,
        name=NAMES,
        columns=parts,
        oid=st.integers(1, 9),
        numbers=st.lists(st.integers(1, 5), min_size=1, max_size=2).map(tuple),
    )
    return LiveRelation(
        oid=draw(st.integers(1, 2**32 - 1)),
        lineage=draw(st.sampled_from(["7/5", "8/5"])),
        name=draw(RELATION_NAMES),
        kind=draw(st.sampled_from(WITH_ROWS)) if names else RelationKind.TABLE,
        columns=columns,
        primary_key=draw(st.none() | keys) if names else None,
        unique_keys=tuple(draw(st.lists(keys, max_size=3))) if names else (),
        foreign_keys=tuple(draw(st.lists(foreign, max_size=2))) if names else (),
        comment=draw(TEXTS),
    )
