"""Tables, columns and values by other words: short forms, flags, codes that comments tell, synonyms, demonyms."""

import pytest

from app.query.language.engine import Engine
from app.query.language.linking.codes import explained
from app.query.language.linking.shortening import shortened
from tests.query.language.courier import COURIER
from tests.query.language.shop import SHOP
from tests.query.language.test_forms import sql_of

COURIER_ENGINE, SHOP_ENGINE = Engine(COURIER), Engine(SHOP)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("how many deliveries are there", "SELECT COUNT(*) AS dlvry_count FROM dlvry"),
        ("how many vehicles do we have", "COUNT(*) AS vhcl_count FROM vhcl"),
        ("number of payments per method", "GROUP BY fact_pymt.mthd_cd"),
        ("list the names of all customers", "SELECT dim_cust.custname"),
        ("average salary per department", "AVG(emp.sal)"),
        ("deliveries by priority", "GROUP BY dlvry.prio"),
        ("total freight of deliveries", "SUM(dlvry.frt_amt)"),
        ("what is the largest weight capacity of a vehicle", "MAX(vhcl.wt_cap_kg)"),
        ("how many customers per country", "GROUP BY dim_cust.ctry"),
        ("total payment amount", "SUM(fact_pymt.pymt_amt)"),
    ],
)
def test_short_forms_are_names_for_long_words(question: str, part: str) -> None:
    assert part in sql_of(COURIER_ENGINE, question)


@pytest.mark.parametrize(
    ("short", "words", "others"),
    [
        ("shpmt", "shipment", "shop shampoo"), ("frt", "freight", "flight friend"), ("cap", "capacity captain", "cup"),
        ("qty", "quantity", "quarter"), ("actv", "active", "acting"), ("ln", "line", "lemon lawn"),
        ("mgr", "manager", "major"), ("trnsp", "transport", "trap"), ("ctgry", "category", "century"),
        ("dept", "", "dept department dep"), ("c", "", "code cat"),
    ],
)  # fmt: skip
def test_a_short_form_has_the_first_letter_and_the_consonants_in_order(short: str, words: str, others: str) -> None:
    assert [word for word in words.split() if not shortened(short, word)] == []
    assert [word for word in others.split() if shortened(short, word)] == []


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("'O' = open, 'C' = closed", {"O": ["open"], "C": ["closed"]}),
        ("A: active; I: inactive", {"A": ["active"], "I": ["inactive"]}),
        ("1 - low, 2 - medium", {"1": ["low"], "2": ["medium"]}),
        ("status (N new, P paid, X cancelled)", {"N": ["new"], "P": ["paid"], "X": ["cancelled"]}),
        ("Segment: RET = retail, ECM = e-commerce", {"RET": ["retail"], "ECM": ["e-commerce"]}),
        ("0 for bronze, 1 for silver", {"0": ["bronze"], "1": ["silver"]}),
        ("rated 1 to 5, by the guest", {}),
        ("Amount in EUR", {}),
        ("A text of the guest: nothing else", {}),
    ],
)
def test_comments_explain_codes(comment: str, codes: dict[str, list[str]]) -> None:
    assert explained(comment) == codes


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("how many active customers are there", "dim_cust.actv_flg = 'Y'"),
        ("inactive customers", "dim_cust.actv_flg = 'N'"),
        ("customers that are not active", "dim_cust.actv_flg <> 'Y'"),
        ("vip customers from Germany", "dim_cust.vip_flg = 'Y'"),
        ("how many customers are blocked", "dim_cust.blk_ind = 1"),
        ("employees with a car", "emp.has_car = 'yes'"),
        ("how many employees have a car", "emp.has_car = 'yes'"),
        ("employees without a car", "emp.has_car <> 'yes'"),
        ("remote employees", "emp.isRemote = TRUE"),
        ("fragile deliveries", "dlvry.frgl_flg = 'Y'"),
        ("how many vehicles are leased", "vhcl.q7_flg = 'Y'"),
        ("vehicles in service", "vhcl.in_svc_flg = TRUE"),
    ],
)
def test_flags_say_yes_and_no_in_their_own_values(question: str, part: str) -> None:
    assert part in sql_of(COURIER_ENGINE, question)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("how many deliveries were cancelled", "dlvry.stat_cd = 'X'"),
        ("canceled deliveries in 2024", "dlvry.stat_cd = 'X'"),
        ("new deliveries", "dlvry.stat_cd = 'N'"),
        ("wholesale customers", "dim_cust.cust_typ_cd = 'W'"),
        ("number of retail customers", "dim_cust.cust_typ_cd = 'R'"),
        ("total of payments by credit card", "fact_pymt.mthd_cd = 'CC'"),
        ("cash payments", "fact_pymt.mthd_cd = 'CA'"),
        ("average salary of early employees", "emp.shift = 'early'"),
        ("high priority deliveries", "dlvry.prio = 3"),
        ("deliveries with low priority", "dlvry.prio = 1"),
    ],
)
def test_words_of_an_explanation_mean_the_code(question: str, part: str) -> None:
    assert part in sql_of(COURIER_ENGINE, question)


@pytest.mark.parametrize(
    ("engine", "question", "part"),
    [
        (COURIER_ENGINE, "how many staff are there", "COUNT(*) AS emp_count"),
        (COURIER_ENGINE, "average pay by department", "AVG(emp.sal)"),
        (COURIER_ENGINE, "how many staff members are there per division", "GROUP BY emp.dept_nm"),
        (COURIER_ENGINE, "German clients", "dim_cust.ctry = 'Germany'"),
        (COURIER_ENGINE, "how many Dutch customers are there", "dim_cust.ctry = 'Netherlands'"),
        (SHOP_ENGINE, "how many vendors are in each town", "GROUP BY suppliers.city"),
        (SHOP_ENGINE, "average score of suppliers", "AVG(suppliers.rating)"),
        (SHOP_ENGINE, "goods in the category Garden", "products.category = 'Garden'"),
        (SHOP_ENGINE, "how many purchases were made in 2024", "COUNT(*) AS orders_count"),
        (SHOP_ENGINE, "French customers", "customers.country = 'FR'"),
    ],
)
def test_words_that_mean_the_same_name_it_too(engine: Engine, question: str, part: str) -> None:
    assert part in sql_of(engine, question)
