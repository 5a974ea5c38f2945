"""What words in names of tables and columns mean, in any database: suffixes of keys, measures, roles. Pure.

Everything here is general English of data (and the words for a key of a few other languages). No entry is of a
particular database.
"""

from typing import Final

SUFFIXES: Final = {
    "id": "id",
    "ids": "id",
    "ident": "id",
    "identifier": "id",
    "key": "id",
    "pk": "id",
    "fk": "id",
    "sk": "id",
    "uid": "id",
    "uuid": "id",
    "guid": "id",
    "rowid": "id",
    "ref": "ref",
    "reference": "ref",
    "code": "code",
    "cd": "code",
    "cod": "code",
    "codigo": "code",
    "kode": "code",
    "abbr": "code",
    "symbol": "code",
    "no": "number",
    "nr": "number",
    "num": "number",
    "nbr": "number",
    "number": "number",
    "nummer": "number",
    "numero": "number",
    "clave": "id",
    "schluessel": "id",
}
"""Last words that say that a column identifies something, and of which kind the identification is."""

LEADING: Final = frozenset(("id", "fk", "key", "uuid", "cod", "codigo", "code", "ref"))
"""Words that say the same at the beginning: `fk_customer`, `id_cliente`."""

GLUED: Final = ("uuid", "code", "key", "num", "id", "nr", "no", "ref", "fk")
"""Suffixes that are looked for at the end of a word, too, longest first: PostgreSQL folds `custId` to `custid`."""

TO: Final = {"by": "to", "to": "to", "via": "to", "from": "to", "with": "to", "for": "to", "of": "of"}
"""Prepositions that end the name of a reference: `ship_via`, `reports_to`, `created_by`; `of` says what it is a part
of, which is mostly of the same table."""

GENERIC: Final = frozenset(
    """
    id key code no nr num number name names title type kind class status state value amount count total flag date
    datetime time at on by day month year hour minute second quarter week timestamp ts is has of the start end first
    last min max old new ref text desc description comment note notes label data info content body url link image
    email phone fax address line line1 line2 row position sequence seq sort index idx version group level
    lat lon latitude longitude active enabled deleted created updated modified
    """.split()  # noqa: SIM905 - a list of a hundred quoted words is read by nobody
)
"""Words that many tables have of their own: that two columns have one of these names says nothing."""

MEASURES: Final = frozenset(
    """
    quantity qty price cost amount amt count cnt total sum subtotal avg average mean median min max minimum maximum
    year month day hour minute second week quarter decade age level rating score rank ranking grade size weight height
    width length depth area volume distance speed duration elapsed lat lon lng latitude longitude altitude elevation
    pct percent percentage rate ratio discount tax fee salary wage income revenue profit margin balance budget capacity
    population temperature temp humidity pressure milliseconds seconds minutes hours days bytes kb mb version position
    pos seq sequence ordinal linenumber lineno priority points goals wins losses votes stars likes views visits clicks
    meters kilometers km kg mg ml miles feet inches grams pounds
    units stock interest points attempts retries offset limit delay flag
    """.split()  # noqa: SIM905 - likewise
)
"""Words of numbers that are counted or measured. A column that ends in one is no reference, whatever it equals."""

COUNTING: Final = frozenset(
    ("num", "count", "total", "sum", "avg", "unit", "is", "has", "max", "min", "sort", "display")
)
"""First words that make a measure of what follows: `num_seats`, `units_on_order`, `total_orders`."""

LABELS: Final = frozenset("name title label date time timestamp datetime created updated modified at".split())  # noqa: SIM905
"""Last words of columns that may identify a row where nothing better does."""

PROSE: Final = frozenset(
    """
    description desc comment note text address email phone fax url homepage website photo picture image path body
    content street zip postal postcode password hash token summary abstract review message remark lat lon latitude
    longitude
    """.split()  # noqa: SIM905 - likewise
)
"""Last words of columns that describe a row: unique perhaps, and never what it is identified by."""

NOISE: Final = frozenset(
    """
    tbl tb table t dim fact fct stg stage staging raw src ods dwh dw mart vw view v ref lkp lookup lu mst master
    list tab
    """.split()  # noqa: SIM905 - likewise
)
"""First or last words of tables that say what a table is for, and not of what it is."""

EXTENDING: Final = frozenset("info data detail hist history log rel map xref extra ext attribute property".split())  # noqa: SIM905
"""Last words of tables that add to what another table lists, if there is one: `movie_info`."""

CLASSIFYING: Final = frozenset(("type", "kind", "code", "class", "name"))
"""Last words of tables that list what the words before are: `role_type` lists roles, `company_name` companies."""

TIME_TABLES: Final = frozenset(("date", "calendar", "day", "time", "period"))
"""Last words of tables that list days: only into these do columns of dates refer."""

ABBREVIATIONS: Final = {
    "tx": "transaction",
    "txn": "transaction",
    "trx": "transaction",
    "xact": "transaction",
    "cust": "customer",
    "supp": "supplier",
    "vend": "vendor",
    "emp": "employee",
    "mgr": "manager",
    "dept": "department",
    "org": "organization",
    "co": "company",
    "acct": "account",
    "acc": "account",
    "addr": "address",
    "prod": "product",
    "cat": "category",
    "qty": "quantity",
    "usr": "user",
    "pers": "person",
    "loc": "location",
    "wh": "warehouse",
    "po": "purchase order",
    "so": "sales order",
    "inv": "invoice",
    "pub": "publication",
    "conf": "conference",
    "univ": "university",
    "lang": "language",
    "curr": "currency",
    "proj": "project",
    "hosp": "hospital",
    "appt": "appointment",
    "veh": "vehicle",
    "dest": "destination",
    "orig": "origin",
    "rest": "restaurant",
    "biz": "business",
    "stu": "student",
    "prof": "professor",
}
"""Usual short forms that the general rule (beginning, or consonants in their order) does not find, or ranks low."""

_STAFF: Final = (
    "employee", "staff", "personnel", "worker", "user", "person", "people", "member", "agent", "account", "contact",
)  # fmt: skip
_BUYERS: Final = (
    "customer", "client", "user", "person", "people", "member", "account", "wallet", "contact", "party", "employee",
)  # fmt: skip
_AUTHORS: Final = (
    "author", "writer", "user", "person", "people", "member", "employee", "staff", "account", "contact", "customer",
    "client",
)  # fmt: skip
_DOERS: Final = ("user", *_STAFF, *_AUTHORS, *_BUYERS)
_PLACES: Final = (
    "airport", "station", "stop", "port", "terminal", "city", "town", "location", "place", "site", "warehouse", "store",
    "branch", "depot", "zone", "node", "address", "region", "country",
)  # fmt: skip
_SIDES: Final = ("team", "club", "player", "participant", "competitor", "side")

_STAFF_ROLES: Final = """
    manager supervisor boss lead leader head chief director rep representative agent salesperson salesman seller clerk
    cashier operator technician driver assignee handler approver reviewer inspector auditor creator editor owner
    instructor teacher doctor physician nurse coach mentor advisor admin administrator host captain pilot responsible
    contact chairman president dean officer
"""
_BUYER_ROLES: Final = (
    "buyer payer payee purchaser recipient receiver sender borrower renter tenant guest passenger patient holder "
    "subscriber follower followee friend referrer beneficiary consignee winner bidder requester"
)
_AUTHOR_ROLES: Final = "author writer poster publisher creator uploader commenter composer sender"
_PLACE_ROLES: Final = (
    "origin dest destination departure arrival pickup dropoff source target from to start end birthplace via hub base "
    "hometown capital"
)
_SIDE_ROLES: Final = "home away winner loser opponent visitor host guest champion"

ROLES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    role: tuple(
        targets
        for roles, targets in (
            (_STAFF_ROLES.split(), _STAFF),
            (_BUYER_ROLES.split(), _BUYERS),
            (_AUTHOR_ROLES.split(), _AUTHORS),
            (_PLACE_ROLES.split(), _PLACES),
            (_SIDE_ROLES.split(), _SIDES),
        )
        if role in roles
    )
    for role in f"{_STAFF_ROLES} {_BUYER_ROLES} {_AUTHOR_ROLES} {_PLACE_ROLES} {_SIDE_ROLES}".split()
}
"""By a role that a column names, the entities that have it, the likeliest first."""

BY: Final = (_DOERS,)
"""Who does what a column ending in `by` tells: `created_by`."""

HIERARCHY: Final = frozenset(
    """
    parent superior report reports ancestor predecessor previous prev next successor original root replaces replaced
    supersedes superseded reply replied master duplicate linked related child
    """.split()  # noqa: SIM905 - likewise
)
"""Roles of a row to another row of the same table."""

RANKS: Final = frozenset(
    "manager mgr supervisor boss lead leader head chief mentor sponsor referrer referred".split()  # noqa: SIM905
)
"""Roles of one person to another: in a table of people, of another row of it."""

PEOPLE: Final = frozenset(_DOERS)
"""What tables of people are called."""
