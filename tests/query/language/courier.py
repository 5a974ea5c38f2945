"""A vocabulary for tests: a courier of short names, with flags of every form and codes that comments tell."""

from app.query.language.vocabulary.model import Column, ListedValues, Table, Vocabulary
from tests.query.language.shop import BERLIN, NOW, join


def described(name: str, key: str, columns: str, about: str | None = None, rows: int = 500) -> Table:
    """A table of columns written as a line each: `name type` or `name type -- comment`."""
    found = []
    for line in columns.strip().splitlines():
        declared, _, comment = line.strip().partition(" -- ")
        column, _, kind = declared.partition(" ")
        found.append(Column(column, kind, comment or None, unique=column == key))
    return Table(name, tuple(found), (key,), rows, about)


TABLES = (
    described(
        "dim_cust", "cust_id",
        """
        cust_id bigint
        custname text
        cust_typ_cd text -- R = retail; W = wholesale
        ctry text
        vip_flg text
        blk_ind integer -- 1 if the customer is blocked
        actv_flg text -- Y = active customer, N = inactive
        """,
    ),
    described(
        "fact_pymt", "pymt_id",
        """
        pymt_id bigint
        cust_id bigint
        pymt_dt date
        pymt_amt numeric -- Amount in EUR
        mthd_cd text -- 'CC': credit card, 'BT': bank transfer, 'CA': cash
        """, rows=5_000,
    ),
    described(
        "emp", "emp_no",
        """
        emp_no bigint
        emp_nm text
        dept_nm text
        hire_dt date
        sal numeric
        isRemote boolean
        has_car text
        shift text -- early, late or night
        """, "Employees",
    ),
    described(
        "vhcl", "vhcl_id",
        """
        vhcl_id bigint
        plt_nbr text
        wt_cap_kg numeric
        in_svc_flg boolean
        q7_flg text -- Y if the vehicle was leased
        blt_yr integer
        checked_at timestamp
        """,
    ),
    described(
        "dlvry", "dlvry_no",
        """
        dlvry_no bigint
        cust_id bigint
        vhcl_id bigint
        dlvry_dt date
        stat_cd text -- status (N new, D delivered, X cancelled)
        prio integer -- 1 - low, 2 - medium, 3 - high
        dist_km numeric
        frt_amt numeric -- Freight cost in EUR
        frgl_flg text -- Y = fragile goods
        """, "Outbound deliveries", rows=5_000,
    ),
)  # fmt: skip
JOINS = (
    join("fact_pymt", "cust_id", "dim_cust", "cust_id"),
    join("dlvry", "cust_id", "dim_cust", "cust_id"),
    join("dlvry", "vhcl_id", "vhcl", "vhcl_id"),
)
VALUES = ListedValues(
    {
        ("dim_cust", "cust_typ_cd"): ["R", "W"],
        ("dim_cust", "ctry"): ["Brazil", "Germany", "Netherlands"],
        ("dim_cust", "vip_flg"): ["Y", "N"],
        ("dim_cust", "actv_flg"): ["Y", "N"],
        ("fact_pymt", "mthd_cd"): ["CC", "BT", "CA"],
        ("vhcl", "q7_flg"): ["Y", "N"],
        ("emp", "dept_nm"): ["Sales", "Depot"],
        ("emp", "has_car"): ["yes", "no"],
        ("emp", "shift"): ["early", "late", "night"],
        ("dlvry", "stat_cd"): ["N", "D", "X"],
        ("dlvry", "frgl_flg"): ["Y", "N"],
    }
)
COURIER = Vocabulary(TABLES, JOINS, VALUES, NOW, BERLIN)
