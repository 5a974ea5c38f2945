"""A vocabulary for tests: ships of a harbour, with short names, units, categories and dates of several kinds."""

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation
from app.query.language.vocabulary.model import ListedValues, Vocabulary
from tests.query.language.shop import BERLIN, NOW, SHOP, join, table

HARBOUR = Vocabulary(
    (
        table(
            "vessels",
            "id bigint, name text, vessel_type text, length_ft numeric, max_speed numeric, build_year integer, "
            "weight_kg numeric",
            "id",
        ),
        table(
            "voyages",
            "id bigint, vessel_id bigint, port_to text, departed_at timestamp, distance_km numeric, voy_stat text, "
            "delay_min integer",
            "id",
            1_000,
        ),
        table(
            "crew",
            "id bigint, full_name text, nationality text, birth_date date, salary numeric, vessel_id bigint",
            "id",
            200,
        ),
        table(
            "tickets",
            "id bigint, voyage_id bigint, fare numeric, fee numeric, qty integer, unit_prc numeric, is_paid boolean, "
            "sold_on date, class text",
            "id",
            5_000,
        ),
        table("incidents", "id bigint, voyage_id bigint, severity text, reported_on date", "id", 100),
    ),
    (
        join("voyages", "vessel_id", "vessels", "id"),
        join("crew", "vessel_id", "vessels", "id"),
        join("tickets", "voyage_id", "voyages", "id"),
        join("incidents", "voyage_id", "voyages", "id"),
    ),
    ListedValues(
        {
            ("vessels", "name"): ["Aurora", "Blue Whale", "Nordlys"],
            ("vessels", "vessel_type"): ["ferry", "tanker", "tug"],
            ("voyages", "port_to"): ["Hull", "Kiel"],
            ("voyages", "voy_stat"): ["completed", "cancelled", "delayed"],
            ("crew", "nationality"): ["Norwegian", "Danish"],
            ("tickets", "class"): ["first", "second"],
            ("incidents", "severity"): ["minor", "major"],
        }
    ),
    NOW,
    BERLIN,
)
SHOP_ENGINE, HARBOUR_ENGINE = Engine(SHOP), Engine(HARBOUR)


def sql_of(engine: Engine, question: str) -> str:
    """The SQL of a question that is answered with confidence, without quotes around names."""
    found = engine.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    assert found.confidence >= 0.7, f"{question}: {found.confidence}"
    return found.sql.replace('"', "")


def is_doubted(engine: Engine, question: str) -> bool:
    """Whether the question is refused, or answered with so much doubt that nobody is misled."""
    found = engine.interpret(question)
    return not isinstance(found, Interpretation) or found.confidence < 0.7
