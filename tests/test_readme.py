"""The README's main job and the guides, run as they stand there; and the demonstration."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Installation, Running, installation

ROOT = Path(__file__).resolve().parents[1]


def script(page: str, service: Running) -> str:
    """What the page's blocks of bash answer, run one after another against the service."""
    found = "".join(re.findall(r"^```bash\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE))
    password = service.out.read_text().split("password")[1].split()[0]
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", found.replace("http://127.0.0.1:8080", service.url)],
        env=os.environ | {"PASSWORD": password, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout


def documents(text: str) -> list[dict[str, object]]:
    """The JSON documents that stand one after another."""
    decoder = json.JSONDecoder()
    found, place = [], 0
    while text[place:].strip():
        place += len(text[place:]) - len(text[place:].lstrip())
        document, place = decoder.raw_decode(text, place)
        found.append(document)
    return found


@pytest.fixture(scope="module")
def place() -> Iterator[Installation]:
    with installation() as place:
        yield place


@pytest.fixture(scope="module")
def service(place: Installation) -> Iterator[Running]:
    with place.started("run") as service:
        service.wait_until_ready()
        yield service


def test_the_main_job_in_curl_gives_the_same_answers_three_times(service: Running) -> None:
    runs = [documents(script("README.md", service)) for _ in range(3)]
    mode, contract, report, plan, promoted, result, *reversal, visits, visited, inferred, listed = runs[0]
    assert mode == {"mode": "INGESTION_READY"}
    assert (contract["id"], contract["created"]) == ("customers_v1", True)
    counts = report["counts"]
    assert isinstance(counts, dict)
    assert {verdict: count for verdict, count in counts.items() if count} == {"inserted": 1, "late": 1, "rejected": 1}
    assert (plan["dry_run"], promoted["dry_run"]) == (True, False)
    assert plan["summary"] == "Queries of customers find nothing now; then they read customers@1 with 1 row."
    assert promoted["to_state"] == "ACTIVE"
    assert result["rows"] == [["Ada", 120.5]]
    assert (visits["id"], visits["schema_version"]) == ("visits_v1", None)
    assert visited["counts"]["inserted"] == 2  # type: ignore[index]  # a report's counts
    assert {column["name"]: column["type"] for column in inferred["columns"]} == {  # type: ignore[attr-defined]
        "visit_id": "bigint",
        "seen_at": "timestamptz",
        "page": "text",
        "seconds": "numeric",
        "ingested_at": "timestamptz",
    }
    assert [(table["name"], table["state"]) for table in listed["items"]] == [  # type: ignore[attr-defined]  # of a page
        ("customers", "ACTIVE"), ("visits", "SHADOW"),
    ]  # fmt: skip
    assert (listed["total"], listed["has_next"]) == (2, False)
    for seen, planned, run in (reversal, *(again[6:9] for again in runs[1:])):
        assert (seen["counts"]["updated"], seen["rolled_back_by"]) == (1, None)  # type: ignore[index]  # of a report
        (sample,) = planned["samples"]  # type: ignore[misc, attr-defined]  # of a plan
        assert (planned["counts"]["updated"], sample["before"]["revenue"], sample["after"]["revenue"]) == (
            1,
            12050,
            120.5,
        )  # type: ignore[index]
        assert (run["status"], run["counts"]) == ("COMPLETED", planned["counts"])
    for again in runs[1:]:
        assert (again[1]["id"], again[1]["created"], again[1]["former"]) == ("customers_v1", False, None)
        assert again[2] == report, "the stored report"
        assert {again[3]["code"], again[4]["code"]} == {"state-changed"}, "nothing is left to promote"
        assert again[5]["rows"] == result["rows"]
        assert (again[9]["id"], again[9]["created"]) == ("visits_v1", False)
        assert (again[10], again[11]) == (visited, inferred)


def test_reversing_in_curl(service: Running) -> None:
    seen, plan, run, again, replay = documents(script("docs/reversing.md", service))
    assert (seen["counts"]["inserted"], seen["counts"]["updated"]) == (1, 1)  # type: ignore[index]  # of a report
    assert (plan["counts"]["updated"], plan["deleted"], len(plan["samples"])) == (1, 1, 2)  # type: ignore[index, arg-type]
    assert (run["status"], run["counts"], run["deleted"]) == ("COMPLETED", plan["counts"], 1)
    assert (again["counts"]["inserted"], again["counts"]["updated"]) == (1, 1)  # type: ignore[index]  # of a plan
    assert (replay["parts_total"], replay["counts"]["unchanged"]) == (1, 2)  # type: ignore[index]  # of a plan


def test_drift_in_curl(service: Running) -> None:
    answers = documents(script("docs/drift.md", service))
    found, accepted, changed, evolved, kept, looked_at, refused, further, run, promoted, old, listed = answers
    (added,) = found["changes"]  # type: ignore[misc, attr-defined]  # of a report
    assert (found["status"], found["severity"], added["kind"], added["rows"]) == ("open", "COMPATIBLE", "ADD", 1)
    assert (accepted["status"], accepted["resolution"]["schema_version"]) == ("accepted", 2)  # type: ignore[index]
    assert (changed["unknown_columns"], changed["columns"]["mail"]["sensitivity"]) == ("evolve", "private")  # type: ignore[index]
    assert evolved["resolution"]["by"] == "policy: evolve"  # type: ignore[index]
    assert {change["kind"] for change in evolved["changes"]} == {"ADD", "TYPE_CHANGE"}  # type: ignore[attr-defined]
    assert (kept["counts"]["updated"], len(kept["drift"])) == (1, 1)  # type: ignore[index, arg-type]
    assert (looked_at["id"], looked_at["severity"]) == (None, "BREAKING")
    assert (refused["status"], refused["code"]) == (409, "needs-new-version")
    assert (further["status"], further["resolution"]["contract_id"]) == ("new_version", "members_v2")  # type: ignore[index]
    assert (run["status"], run["counts"]["rejected"]) == ("COMPLETED", 0)  # type: ignore[index]
    assert promoted["to_state"] == "ACTIVE"
    assert (old["state"], old["successor"]) == ("DEPRECATED", "members@2")
    assert len(listed["items"]) == 4  # type: ignore[arg-type]


def test_joins_in_curl_give_the_same_answers_three_times(service: Running) -> None:
    join = "purchases__purchase_lines__purchase_id"
    for time in range(3):
        answers = documents(script("docs/joins.md", service))
        suggested, accepted, rejected, offer, preview, result, detail, deprecated, stale = answers
        (candidate,) = suggested["items"]  # type: ignore[misc, attr-defined]  # of a list
        assert (candidate["candidate_id"], candidate["cardinality"], candidate["orphan_rate"]) == (join, "n:1", 0)
        assert (accepted["version"], accepted["now"]["exact"]) == (time + 1, True)  # type: ignore[index]
        assert accepted["now"]["fan_out"] == {"mean": 3.0, "p99": 3.0, "max": 3}  # type: ignore[index]
        assert rejected.get("status") == "rejected" if time == 0 else rejected["code"] == "join-candidate-rejected"
        assert "JOIN purchase_lines l ON p.purchase_id = l.purchase_id" in str(offer["sql"])
        (shown,) = preview["joins"]  # type: ignore[misc, attr-defined]  # of a preview
        assert (shown["join_id"], shown["join_version"], shown["cardinality"]) == (join, time + 1, "1:n")
        assert "3 on average" in preview["fan_outs"][0]["message"]  # type: ignore[index]
        assert result["rows"] == [[4610.0, 1050]]
        assert detail["usage"]["executions"] == time + 1  # type: ignore[index]
        assert deprecated["status"] == "deprecated"
        assert (stale["code"], stale["changes"][0]["code"]) == ("stale-preview", "join-gone")  # type: ignore[index]


def test_contracts_as_documents_in_curl_give_the_same_answers_three_times(service: Running) -> None:
    for time in range(3):
        looked_at, made, same, differing, again, document, depots = documents(script("docs/odcs.md", service))
        for answer, created in ((looked_at, time == 0), (made, time == 0), (same, False), (again, False)):
            (found,) = answer["contracts"]  # type: ignore[misc, attr-defined]  # of an import
            assert (found["contract"]["id"], found["contract"]["created"]) == ("parcels_v1", created)
            assert found["drift"] == []
        assert (looked_at["dry_run"], made["dry_run"]) == (True, False)
        (other,) = differing["contracts"]  # type: ignore[misc, attr-defined]  # of an import
        (change,) = other["drift"]
        assert (other["contract"]["id"], change["path"], change["severity"]) == (
            "parcels_v2",
            "/columns/weight/type",
            "BREAKING",
        )
        assert (document["price"], document["apiVersion"]) == ({"priceAmount": 0.1, "priceCurrency": "EUR"}, "v3.1.0")
        assert depots["contracts"][0]["contract"]["id"] == "depots_v1"  # type: ignore[index]  # of an import


def test_trust_in_curl(service: Running) -> None:
    person, why, refused, proof, verified, checkpoint, block = documents(script("docs/trust.md", service))
    assert (person["username"], person["roles"]) == ("ada", ["ANALYST"])
    explanation = why["explanation"]
    assert isinstance(explanation, dict)
    assert (explanation["allowed"], explanation["obstacles"][0]["code"]) == (False, "key-scope")
    assert (refused["status"], refused["code"]) == (401, "invalid-token")
    assert (verified["clean"], verified["findings"]) == (True, [])
    assert proof["seal"]
    assert checkpoint["signature"]
    assert block["reason"] == "tries passwords"


def test_operating_in_curl(service: Running) -> None:
    answers = documents(script("docs/operating.md", service))
    dashboard, deployment, channel, export, rule, preview, images, *answers = answers
    room, refused, decided, flag, evaluated, *of_jobs = answers
    assert dashboard["tiles"]
    assert deployment["version"]
    assert channel["name"] == "data team"
    assert export["status"] == "pending"
    assert (rule["category"], rule["days_to_keep"]) == ("raw_batches", 90)
    assert (preview["rows"], images["category"]) == (0, "before_images")
    assert (room["value"], refused["category"], refused["days_to_keep"]) == (50_000, "quarantine", 30)
    assert decided["value"] == 20
    assert flag["key"] == "new-planner"
    assert (evaluated["value"], evaluated["reason"]) == (False, "DEFAULT"), "three quarters are not chosen"
    failed, job, cancelled = of_jobs
    assert failed["items"] == []
    assert (job["name"], job["links"]) == ("exports:make", {"self": export["links"]["job"]})  # type: ignore[index]
    assert cancelled.get("code") == "job-is-over" or cancelled["cancel_requested_at"], cancelled


@pytest.mark.slow
def test_questions_in_curl_give_the_same_answers_three_times(service: Running) -> None:
    for time in range(3):
        said = documents(script("docs/questions.md", service))
        asked, best, refused, term, valued, revoked, forgotten, stale, new, proposed, accepted, told, taken = said
        assert asked["question"] == "Show me the top 3 hotels by price"
        assert [join["join_id"] for join in asked["joins"]] == ["hotels__stays__hotel_id"]  # type: ignore[attr-defined]
        assert ("price", "stays.amt", "a label") in {
            (word["words"], word["meaning"], word["evidence"])
            for word in asked["understood"]  # type: ignore[attr-defined]
        }
        sums = [row[-1] for row in best["rows"]]  # type: ignore[attr-defined]  # of a result
        assert (len(sums), sums) == (3, sorted(sums, reverse=True))
        assert refused["code"] == "cannot-answer"
        assert "unicorns" in refused["not_understood"]  # type: ignore[operator]
        assert (term["term"], term["version"]) == ("GBV", time + 1)
        assert valued["rows"] == [[6255.0]]
        assert revoked["revoked_at"] is not None
        assert forgotten["code"] == "cannot-answer"
        assert (stale["code"], stale["changes"][0]["code"]) == ("stale-preview", "term-gone")  # type: ignore[index]
        correction = new["corrections"][0]  # type: ignore[index]
        assert (correction["term"], correction["expression"]) == ("stays", "stays with price over 50")  # type: ignore[index]
        assert [each["id"] for each in proposed["items"]] == [correction["id"]]  # type: ignore[attr-defined, index]
        assert (accepted["state"], taken["state"]) == ("accepted", "revoked")
        assert told["sql"] == new["sql"]


@pytest.mark.slow
def test_an_add_on_in_curl_comes_to_its_end_each_time(service: Running) -> None:
    for _ in range(2):
        said = documents(script("docs/addons.md", service))
        sample, submitted, approved, over, validation, revision, edited, diff, counted = said
        assert (sample["lines"], sample["encoding"]) == (50, "utf-8")
        assert (submitted["status"], submitted["actions"]) == ("PENDING_APPROVAL", ["cancel"])
        assert (approved["status"], approved["decided_by"]) == ("APPROVED", "anton")
        assert (over["status"], over["addon_name"]) == ("COMPLETED", "TA-acme-vpn"), over
        assert (validation["status"], validation["report"]["passed"]) == ("PASSED", True)  # type: ignore[index]
        assert (revision["version"], revision["type"]) == (1, "AUTO")
        assert (edited["version"], edited["type"], edited["note"]) == (2, "MANUAL", "A comment is added")
        (changed,) = diff["files"]  # type: ignore[misc, attr-defined]  # of a diff
        assert (changed["path"], "+# Edited by hand" in changed["diff"]) == ("default/props.conf", True)
        assert counted["by_status"]["COMPLETED"] >= 1  # type: ignore[index]


def test_knowledge_in_curl_gives_the_same_answers_twice(service: Running) -> None:
    for _ in range(2):
        said = documents(script("docs/knowledge.md", service))
        made, again, refused, named, worded, shown, changed, stale, removed = said
        assert (made["title"], made["media_type"], made["passages"]) == ("Web server log reference", "text/markdown", 3)
        assert (again["code"], again["document_id"]) == ("knowledge-document-exists", made["id"])
        assert refused["code"] == "document-not-taken"
        for found in (named, worded):
            (hit,) = found["items"]  # type: ignore[misc, attr-defined]  # of a search
            assert (hit["document_id"], hit["headings"][-1]) == (made["id"], "Request fields")
        assert "<mark>cs-uri-stem</mark>" in named["items"][0]["snippet"]  # type: ignore[index]
        assert [each["ordinal"] for each in shown["content"]] == [1, 2, 3]  # type: ignore[attr-defined]
        assert (changed["title"], changed["version"]) == ("Web server logs", 2)
        assert stale["code"] == "precondition-failed"
        assert removed["is_active"] is False


def test_the_demonstration_uses_a_service_or_starts_one_and_can_be_run_twice(
    place: Installation, service: Running
) -> None:
    shown = []
    for _ in range(2):
        ran = place.run("demo", seconds=200)
        assert ran.returncode == 0, ran.stderr[-2000:] + ran.stdout[-2000:]
        shown.append(ran.stdout)
        service.process.terminate()
        service.process.wait(60)
    assert "Using the service" in shown[0]
    assert "starting one for the demonstration" in shown[1]
    for text in shown:
        assert text.count("rows in ") == 10, "answers"
        assert "related in several ways" in text, "a question that does not say enough"
        totals = {
            line.split("│")[1].strip(): line.split("│")[-2].strip() for line in text.splitlines() if "│" in line[:2]
        }
        expected = {"airlines": "16", "airports": "1,458", "planes": "3,322", "weather": "26,115", "flights": "336,776"}
        assert {name: totals.get(name) for name in expected} == expected
    verdicts = [re.search(r"Verdicts.*?└", text, re.DOTALL) for text in shown]
    assert verdicts[0] is not None
    assert verdicts[1] is not None
    assert verdicts[0].group() == verdicts[1].group(), "the second run is answered from the first one's reports"
    assert "is registered already" in shown[1]
    assert "is registered already" not in shown[0]
    assert "_v2" not in shown[1], "the second run loads the tables of the first one"
    assert place.postgres() is None
