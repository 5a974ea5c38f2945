"""A vocabulary for tests: a museum and a shop's subscribers, with names that are parts of one another."""

from app.query.language.engine import Engine
from app.query.language.vocabulary.model import ListedValues, Vocabulary
from tests.query.language.shop import BERLIN, NOW, join, table

MUSEUM = Vocabulary(
    (
        table(
            "artwork",
            "artwork_no text, title text, object_type text, acquired_on date, on_display boolean",
            "artwork_no",
            300,
        ),
        table("loan", "loan_id integer, artwork_no text, borrower text, fee_usd numeric", "loan_id"),
        table("ticket_sale", "sale_id integer, sold_at timestamp, total_usd numeric, sales_channel text", "sale_id"),
        table("tbl_job", "job_id integer, job_title text", "job_id", 20, unique="job_title"),
        table("tbl_employee", "emp_id integer, full_name text, city text, job_id integer, salary numeric", "emp_id"),
        table("tbl_training", "training_id integer, emp_id integer, course_name text, score integer", "training_id"),
        table("dim_site", "site_key integer, site_name text, region text, commissioned_date date", "site_key", 20),
        table("fact_bill", "bill_id integer, site_key integer, bill_date date, amount numeric", "bill_id", 500),
        table("t_plan", "plancode text, planname text, monthlyfee numeric", "plancode", 6),
        table("t_subscriber", "subid integer, subname text, city text, plancode text", "subid", 300),
        table(
            "t_ticket",
            "ticketid integer, subid integer, category text, statuscode text, openedat timestamp",
            "ticketid",
            900,
            statuscode="Status: OPN = open, CLS = closed",
        ),
    ),
    (
        join("loan", "artwork_no", "artwork", "artwork_no"),
        join("tbl_employee", "job_id", "tbl_job", "job_id"),
        join("tbl_training", "emp_id", "tbl_employee", "emp_id"),
        join("fact_bill", "site_key", "dim_site", "site_key"),
        join("t_subscriber", "plancode", "t_plan", "plancode"),
        join("t_ticket", "subid", "t_subscriber", "subid"),
    ),
    ListedValues(
        {
            ("artwork", "object_type"): ["Painting", "Sculpture"],
            ("ticket_sale", "sales_channel"): ["online", "desk"],
            ("tbl_job", "job_title"): ["Software Engineer", "Accountant"],
            ("dim_site", "region"): ["North", "South"],
            ("t_plan", "planname"): ["Fiber Giga", "Basic"],
            ("t_subscriber", "city"): ["Limerick", "Dublin"],
            ("t_ticket", "category"): ["Internet outage", "Billing"],
            ("t_ticket", "statuscode"): ["OPN", "CLS"],
        }
    ),
    NOW,
    BERLIN,
)
ENGINE = Engine(MUSEUM)
