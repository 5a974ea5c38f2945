"""A vocabulary for tests: a clinic with short names, several dates in a table, and columns of years as numbers."""

from app.query.language.vocabulary.model import ListedValues, Vocabulary
from tests.query.language.shop import BERLIN, NOW, join, table

CLINIC = Vocabulary(
    (
        table("tbl_patient", "pt_id bigint, pt_nm text, city text, birth_dt date, reg_dt date", "pt_id"),
        table("doctor", "doctorId bigint, doctorName text, specialty text, hireDate date, salary numeric", "doctorId"),
        table(
            "appointment",
            "appt_id bigint, pt_id bigint, doctorId bigint, booked_dt date, visit_dt date, opened_at timestamp, "
            "closed_at timestamp, fee_amt numeric",
            "appt_id",
            1_000,
        ),
        table("building", "bldg_id bigint, bldg_nm text, yr_built integer, num_beds integer", "bldg_id"),
        table("goal", "goal_id bigint, minute integer, scorer text, season text", "goal_id"),
        table("town", "town_id bigint, town_nm text, population bigint, founded integer", "town_id"),
    ),
    (join("appointment", "pt_id", "tbl_patient", "pt_id"), join("appointment", "doctorId", "doctor", "doctorId")),
    ListedValues(
        {
            ("tbl_patient", "city"): ["Bonn", "Ulm"],
            ("doctor", "specialty"): ["surgery", "radiology"],
            ("goal", "season"): ["2022/23"],
        }
    ),
    NOW,
    BERLIN,
)
