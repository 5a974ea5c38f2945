"""The words that the normalizer reads as keywords, and where. Everything else in a statement is a name.

The reserved words are those of PostgreSQL 18 (`pg_get_keywords()`, categories R and T); a test compares both.
"""

from typing import Final

from app.kernel.quoting import RESERVED
from app.query.guard.scanner import word_set

# Words that steer the normalizer itself.
CLAUSES: Final = word_set(
    "cross join on using window for limit offset fetch values distinct all case end from where group having order "
    "union intersect except left right full inner"
)
ENDS_JOIN: Final = word_set("""
    cross join where group having order limit offset fetch union intersect except window left right full inner for
""")

ALWAYS: Final = word_set("""
    select from where group having order union intersect except all distinct as on using join cross inner left right
    full outer with and or not in is null true false like ilike similar to between symmetric case when then
    else end exists any some array collate desc asc current_date current_time current_timestamp localtime
    localtimestamp window cast
    """)

# word -> the next words that make it a keyword; and the previous ones.
BEFORE: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("over", "filter", "materialized", "cube", "rollup"), ("(",)),
    "partition": ("by",),
    "nulls": ("first", "last"),
    "within": ("group",),
    "grouping": ("sets",),
    "at": ("time",),
}
AFTER: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("first", "last"), ("nulls",)),
    "by": ("group", "order", "partition"),
    "over": (")",),
    "sets": ("grouping",),
    "time": ("at",),
    "zone": ("time",),
    "ordinality": ("with",),
}

# Words after which a bracket does not make a function call.
BEFORE_BRACKET: Final = word_set("""
    select distinct all from where having by on using join and or not in is between like ilike to any some
    exists when then else case union intersect except values as over filter group within sets cube rollup
    array materialized symmetric
    """)

# Words after which a sign begins an operand.
BEFORE_OPERAND: Final = word_set("""
    select distinct all where having by on and or not in is between like ilike to when then else case from
    symmetric
""")

# Reserved words which stay keywords even before a bracket (left() and right() are functions).
NEVER_CALLED: Final = RESERVED - {"left", "right"} - frozenset({"cast"})

# Functions with words inside their brackets -> those words.
FORMS: Final[dict[str, frozenset[str]]] = {
    "cast": frozenset({"as"}),
    "extract": word_set("""
    from century day decade dow doy epoch hour isodow isoyear julian microseconds millennium milliseconds
    minute month quarter second week year timezone timezone_hour timezone_minute
"""),
    "trim": frozenset({"both", "leading", "trailing", "from"}),
    "position": frozenset({"in"}),
    "substring": frozenset({"from", "for"}),
    "overlay": frozenset({"placing", "from", "for"}),
}

WINDOW_FRAME: Final = word_set("""
    rows range groups unbounded preceding following current row exclude no others ties group
""")

# Operators that are words and have a right side.
INFIX: Final = word_set("in is like ilike similar between and or")

TYPE_STARTS: Final = word_set("""
    text varchar char character bpchar smallint int2 int integer int4 bigint int8 numeric decimal dec real
    float4 float float8 double boolean bool date time timestamp timestamptz timetz interval uuid json jsonb
    bytea
    """)
LONG_TYPES: Final = frozenset({"character", "double", "time", "timestamp"})
INTERVAL_UNITS: Final = word_set("year month day hour minute second")

REFUSED: Final[dict[str, tuple[str, str, str]]] = {
    "into": ("into", "A query may not create or fill a table.", "leave INTO out"),
    "lateral": (
        "lateral",
        "LATERAL runs a subquery once per row.",
        "JOIN (SELECT … GROUP BY key) AS s ON s.key = t.key",
    ),
    "natural": ("natural-join", "NATURAL JOIN compares columns that are not named.", "JOIN b USING (column)"),
    "tablesample": ("tablesample", "Samples cannot be repeated and skip rows silently.", "ORDER BY … LIMIT n"),
    "variadic": ("variadic", "VARIADIC arguments are not read.", "write the arguments one by one"),
    "table": ("statement-kind", "TABLE is not read as a query.", "SELECT * FROM …"),
    "only": ("only", "ONLY has no meaning for logical tables.", "leave ONLY out"),
    **dict.fromkeys(
        word_set("current_user current_role session_user system_user user current_catalog current_schema"),
        ("function-not-allowed", "Who runs the query is not readable.", "leave it out"),
    ),
    "isnull": ("keyword", "ISNULL is not standard.", "IS NULL"),
    "notnull": ("keyword", "NOTNULL is not standard.", "IS NOT NULL"),
    "overlaps": ("keyword", "OVERLAPS is not read.", "a.start < b.finish AND b.start < a.finish"),
    "returning": ("data-modifying", "A query may not change data.", "SELECT … FROM …"),
}
