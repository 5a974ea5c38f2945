"""Corrections over HTTP: they hold for their author alone until an engineer accepts them, and are gone when revoked."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from tests.catalog.joins.steps import CUSTOMERS
from tests.query.asking import execute
from tests.query.questions.steps import asked, previewed, rows

pytestmark = pytest.mark.usefixtures("shop")

OPEN = "SELECT count(*) AS n FROM orders WHERE status = 'open'"
COUNT_OPEN = "SELECT count(*) FROM shop.orders WHERE status = 'open'"


def said(words: str) -> dict[str, Any]:
    """A correction that is a sentence."""
    return {"kind": "words", "words": words}


def of(kind: str, term: str, **parts: str) -> dict[str, Any]:
    """A correction that names its parts; of orders, unless it says otherwise."""
    return {"kind": kind, "term": term, "table": "orders", **parts}


async def correct(client: httpx.AsyncClient, preview_id: str, *corrections: dict[str, Any]) -> httpx.Response:
    """The answer to corrections of a preview."""
    return await client.post("/api/query/correct", json={"preview_id": preview_id, "corrections": list(corrections)})


async def corrected(client: httpx.AsyncClient, question: str, *corrections: dict[str, Any]) -> dict[str, Any]:
    """The corrected preview of a question that is answered in one way before."""
    answer = await correct(client, (await previewed(client, question))["preview_id"], *corrections)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def decide(client: httpx.AsyncClient, correction: dict[str, Any], decision: str) -> httpx.Response:
    """The answer to a decision about a correction."""
    return await client.post(f"/api/query/corrections/{correction['id']}/{decision}", json={"reason": "as counted"})


async def answered(client: httpx.AsyncClient, preview: dict[str, Any]) -> list[list[Any]]:
    """The rows of a preview."""
    answer = await execute(client, preview["preview_id"])
    assert answer.status_code == 200, answer.text
    found: list[list[Any]] = answer.json()["rows"]
    return found


async def test_a_correction_holds_for_its_author_at_once_and_for_everybody_once_it_is_accepted(
    analyst: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    before = await rows(engineer, "how many orders are paid")
    new = await corrected(analyst, "how many orders are paid", said("paid means status open"))
    proposal = new["corrections"][0]
    assert (proposal["state"], proposal["term"], proposal["expression"]) == ("proposed", "paid", "status open")
    assert new["terms"] == [{"term": "paid", "version": None, "correction_id": proposal["id"]}]
    assert any("your correction" in each for each in new["assumptions"])
    meant = [[await owner.fetchval("SELECT count(*) FROM shop.orders WHERE status = 'open'")]]
    assert await answered(analyst, new) == meant
    assert await rows(analyst, "How many orders are paid?") == meant, "the author's further questions"
    assert await rows(engineer, "how many orders are paid") == before, "nobody else's"
    accepted = await decide(engineer, proposal, "accept")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert await rows(engineer, "how many orders are paid") == meant
    terms = (await engineer.get("/api/glossary")).json()["items"]
    assert [(term["id"], term["term"], term["version"]) for term in terms] == [
        (accepted.json()["glossary_entry_id"], "paid", 1)
    ]
    assert (await decide(engineer, proposal, "revoke")).json()["state"] == "revoked"
    assert await rows(engineer, "how many orders are paid") == before, "revoked is gone"
    assert await rows(analyst, "how many orders are paid") == before
    assert (await engineer.get("/api/glossary")).json()["items"] == []


KINDS: list[tuple[str, dict[str, Any], str]] = [
    ("how many customers", of("table", "customers"), "SELECT count(*) FROM shop.orders"),
    (
        "number of different status of orders",
        of("column", "status", column="placed_on"),
        "SELECT count(DISTINCT placed_on) FROM shop.orders",
    ),
    ("how many orders are paid", of("value", "paid", column="status", value="open"), COUNT_OPEN),
    (
        "total revenue",
        of("aggregate", "total revenue", aggregate="avg", column="total"),
        "SELECT avg(total) FROM shop.orders",
    ),
    (
        "total revenue",
        of("aggregate", "total revenue", aggregate="count_distinct", column="total"),
        "SELECT count(DISTINCT total) FROM shop.orders",
    ),
    (
        "total revenue",
        said("with total revenue I mean the sum of orders.total of open orders"),
        "SELECT sum(total) FROM shop.orders WHERE status = 'open'",
    ),
    ("how many orders are paid", {"kind": "join", "join_id": CUSTOMERS}, COUNT_OPEN.replace("open", "paid")),
    ("how many orders are paid", {"kind": "sql", "sql": OPEN}, COUNT_OPEN),
]


async def test_each_kind_of_correction_changes_what_is_asked(
    analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for question, correction, sql in KINDS:  # in one database, which takes seconds to set up
        first = await previewed(analyst, question)
        answer = await correct(analyst, first["preview_id"], correction)
        assert answer.status_code == 200, answer.text
        assert await answered(analyst, answer.json()) == [[pytest.approx(float(await owner.fetchval(sql)))]], correction
        [proposal] = answer.json()["corrections"]
        assert (proposal["sql_before"], proposal["sql_after"]) == (first["sql"], answer.json()["sql"])
        again = await previewed(analyst, f"  {question.upper()}?")
        assert (again["sql"], again["terms"]) == (answer.json()["sql"], answer.json()["terms"])
        assert (await decide(analyst, proposal, "revoke")).status_code == 200


FAULTS: list[tuple[list[dict[str, Any]], list[tuple[str, str]]]] = [
    ([said("no idea about any of that")], [("/corrections/0/words", "value-error")]),
    ([said("by x I mean")], [("/corrections/0/words", "value-error")]),
    ([said("by unicorns I mean customers")], [("/corrections/0/term", "not-in-the-question")]),
    ([said("by how many I mean orders")], [("/corrections/0/term", "word-of-questions")]),
    ([said("by paid I mean Paid")], [("/corrections/0/expression", "says-itself")]),
    ([of("table", "orders", table="nowhere")], [("/corrections/0/table", "unknown")]),
    ([of("column", "paid", column="x")], [("/corrections/0/column", "unknown")]),
    ([of("value", "paid", column="total", value="much")], [("/corrections/0/value", "not-of-this-type")]),
    ([{"kind": "join", "join_id": "a__b__c"}], [("/corrections/0/join_id", "unknown")]),
    (
        [of("table", "orders", table=name) for name in ("orders", "customers")],
        [("/corrections/0/term", "twice"), ("/corrections/1/term", "twice")],
    ),
    ([of("table", "orders", table="customers"), {"kind": "sql", "sql": OPEN}], [("/corrections/1/sql", "not-alone")]),
    (
        [of("table", "orders", table="nope"), {"kind": "join", "join_id": "no"}],
        [("/corrections/0/table", "unknown"), ("/corrections/1/join_id", "unknown")],
    ),
    ([], [("/corrections", "too-short")]),
    ([{"kind": "guess"}], [("/corrections/0", "union-tag-invalid")]),
]


async def test_what_is_wrong_with_corrections_is_listed_and_nothing_is_kept(analyst: httpx.AsyncClient) -> None:
    preview = await previewed(analyst, "how many orders are paid")
    for corrections, faults in FAULTS:
        answer = await correct(analyst, preview["preview_id"], *corrections)
        assert answer.status_code == 422, answer.text
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["faults"]] == faults
    assert (await analyst.get("/api/query/corrections")).json()["items"] == []


async def test_an_edited_statement_passes_the_guard_like_any_other(analyst: httpx.AsyncClient) -> None:
    preview = await previewed(analyst, "how many orders are paid")
    for sql, status, code in (
        ("DROP TABLE orders", 422, "query-refused"),
        ("SELECT 1; SELECT 2", 422, "query-refused"),
        ("SELECT * FROM nowhere", 404, "table-not-found"),
        ("SELECT pg_sleep(9)", 422, "query-refused"),
        ("SELECT nothing FROM orders", 422, "query-refused"),
    ):
        answer = await correct(analyst, preview["preview_id"], {"kind": "sql", "sql": sql})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await analyst.get("/api/query/corrections")).json()["items"] == []


async def test_a_correction_that_makes_the_question_unreadable_is_refused_and_not_kept(
    analyst: httpx.AsyncClient,
) -> None:
    preview = await previewed(analyst, "how many orders are paid")
    words = said("by paid I mean seen by unicorns")
    answer = await correct(analyst, preview["preview_id"], words)
    assert (answer.status_code, answer.json()["code"]) == (422, "cannot-answer")
    assert (await analyst.get("/api/query/corrections")).json()["items"] == []
    assert (await asked(analyst, "how many orders are paid")).status_code == 200


async def test_a_question_that_was_refused_is_corrected_by_its_words(analyst: httpx.AsyncClient) -> None:
    question = "how many grown-ups are in Berlin"
    assert (await asked(analyst, question)).status_code == 422
    meant = {"question": question, "corrections": [of("table", "grown-ups", table="customers")]}
    answer = await analyst.post("/api/query/correct", json=meant)
    assert answer.status_code == 200, answer.text
    [proposal] = answer.json()["corrections"]
    assert (proposal["sql_before"], proposal["preview_id"]) == (None, None)
    assert await answered(analyst, answer.json()) == [[20]]
    assert await rows(analyst, question) == [[20]]
    for wrong in ({"preview_id": answer.json()["preview_id"]} | meant, {"corrections": meant["corrections"]}):
        assert (await analyst.post("/api/query/correct", json=wrong)).status_code == 422


async def test_only_previews_of_questions_of_ones_own_are_corrected(
    analyst: httpx.AsyncClient, engineer: httpx.AsyncClient
) -> None:
    of_sql = (await analyst.post("/api/query/preview", json={"sql": OPEN})).json()["preview_id"]
    statement = {"kind": "sql", "sql": OPEN}
    refused = await correct(analyst, of_sql, statement)
    assert [(each["pointer"], each["code"]) for each in refused.json()["faults"]] == [("/preview_id", "no-question")]
    foreign = (await previewed(engineer, "how many orders are paid"))["preview_id"]
    assert (await correct(analyst, foreign, statement)).status_code == 404


async def test_a_statement_that_is_accepted_answers_the_question_for_everybody(
    analyst: httpx.AsyncClient, engineer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    preview = await previewed(analyst, "how many orders are paid")
    answer = await correct(analyst, preview["preview_id"], {"kind": "sql", "sql": OPEN})
    [proposal] = answer.json()["corrections"]
    assert (await decide(engineer, proposal, "accept")).status_code == 200
    kept = await execute(analyst, answer.json()["preview_id"])
    assert kept.status_code == 200, "what was accepted means the same as what was proposed"
    found = await previewed(admin, "How many orders are paid?")
    assert "status\" = 'open'" in found["sql"]
    assert any("accepted for it" in each for each in found["assumptions"])
    assert await rows(admin, "how many orders are open") == await rows(admin, "how many orders are paid")
    [entry] = (await admin.get("/api/glossary")).json()["items"]
    assert (entry["meaning"], entry["term"], entry["sql"]) == ("statement", "how many orders are paid", OPEN)
    words = await correct(analyst, found["preview_id"], said("paid means status open"))
    assert words.status_code == 404, "the preview is another's"
    own = await previewed(analyst, "how many orders are paid")
    words = await correct(analyst, own["preview_id"], said("paid means status open"))
    assert [fault["code"] for fault in words.json()["faults"]] == ["answered-by-statement"]


async def test_who_may_decide_and_who_sees_what(
    analyst: httpx.AsyncClient, engineer: httpx.AsyncClient, as_role: Any
) -> None:
    viewer = await as_role("VIEWER")
    other = await as_role("ANALYST")
    new = await corrected(analyst, "how many orders are paid", said("paid means status open"))
    [proposal] = new["corrections"]
    seen = {
        name: [each["id"] for each in (await client.get("/api/query/corrections")).json().get("items", ())]
        for name, client in (("author", analyst), ("engineer", engineer), ("other", other), ("viewer", viewer))
    }
    assert seen == {"author": [proposal["id"]], "engineer": [proposal["id"]], "other": [], "viewer": []}
    for client, decision, status in (
        (viewer, "revoke", 403), (analyst, "accept", 403), (analyst, "reject", 403), (other, "revoke", 404),
    ):  # fmt: skip
        assert (await decide(client, proposal, decision)).status_code == status
    assert (await decide(analyst, proposal, "revoke")).json()["state"] == "revoked"
    for decision in ("accept", "reject", "revoke"):
        answer = await decide(engineer, proposal, decision)
        assert (answer.status_code, answer.json()["code"]) == (409, "correction-decided")
    [again] = (await corrected(analyst, "how many orders are paid", said("paid is status open")))["corrections"]
    assert (await decide(engineer, again, "reject")).json()["state"] == "rejected"
    assert (await previewed(analyst, "how many orders are paid"))["terms"] == []
    states = {
        state: len((await engineer.get("/api/query/corrections", params={"state": state})).json()["items"])
        for state in ("proposed", "accepted", "rejected", "revoked")
    }
    assert states == {"proposed": 0, "accepted": 0, "rejected": 1, "revoked": 1}


async def test_an_accepted_correction_is_taken_back_by_engineers_alone(
    analyst: httpx.AsyncClient, engineer: httpx.AsyncClient
) -> None:
    new = await corrected(analyst, "how many orders are paid", said("paid means status open"))
    [proposal] = new["corrections"]
    assert (await decide(engineer, proposal, "accept")).status_code == 200
    assert (await decide(analyst, proposal, "revoke")).status_code == 409
    later = {"term": "paid", "meaning": "expression", "expression": "status paid"}
    assert (await engineer.post("/api/glossary", json=later | {"expression": "with status shut"})).status_code == 201
    assert (await decide(engineer, proposal, "revoke")).status_code == 200
    in_force = (await engineer.get("/api/glossary")).json()["items"]
    assert [entry["expression"] for entry in in_force] == ["with status shut"], "a later meaning is not taken back"


async def test_one_decision_wins_and_one_meaning_of_a_term_is_proposed_at_a_time(
    analyst: httpx.AsyncClient, engineer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    preview = await previewed(analyst, "how many orders are paid")
    words = [said(f"paid means total over {n}") for n in range(6)]
    answers = await asyncio.gather(*(correct(analyst, preview["preview_id"], each) for each in words))
    assert {answer.status_code for answer in answers} == {200}
    waiting = (await analyst.get("/api/query/corrections", params={"state": "proposed"})).json()["items"]
    assert len(waiting) == 1
    decided = await asyncio.gather(
        *(decide(client, waiting[0], decision) for client in (engineer, admin) for decision in ("accept", "reject"))
    )
    assert sorted(answer.status_code for answer in decided) == [200, 409, 409, 409]
    state = next(answer.json()["state"] for answer in decided if answer.status_code == 200)
    terms = (await engineer.get("/api/glossary")).json()["items"]
    assert len(terms) == (1 if state == "accepted" else 0)


async def test_what_is_corrected_is_counted_and_audited_without_what_was_typed(
    analyst: httpx.AsyncClient, engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    async def counted() -> float:
        lines = (await admin.get("/metrics")).text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("spyne_query_corrections_total"))

    before = await counted()
    new = await corrected(analyst, "how many orders are paid", said('paid means with the status "zzz"'))
    await decide(engineer, new["corrections"][0], "accept")
    sql = OPEN.replace("open", "zzz")
    statement = await correct(analyst, new["preview_id"], {"kind": "sql", "sql": sql})
    await decide(engineer, statement.json()["corrections"][0], "accept")
    assert await counted() == before + 2
    audited = await owner.fetch(
        "SELECT action, concat(entity_label, before, after) AS said FROM spyne.audit_log "
        "WHERE action LIKE 'query-correction:%' OR action LIKE 'glossary-entry:%' ORDER BY id"
    )
    assert [row["action"] for row in audited] == [
        "query-correction:propose", "glossary-entry:create", "query-correction:accept",
    ] * 2  # fmt: skip
    assert not any("zzz" in row["said"] or "how many" in row["said"] for row in audited)
