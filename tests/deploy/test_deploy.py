"""What stands in deploy/ and docker-compose.yml fits the service: names, schemas, rules, a real Prometheus."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml

import app.registry
from app.kernel.db.connections import DatabaseUrls
from app.kernel.telemetry.metrics import REGISTRY, PoolCollector
from tests.conftest import SECRET
from tests.deploy.prometheus import needs_prometheus, prometheus
from tests.service_processes import Surroundings, api_process, worker_process
from tests.spawning import free_port
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/dashboards/spyne.json"
OTHERS = {"up"}
"""What Prometheus itself tells of its targets."""

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())  # type: ignore[no-any-return]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    targets = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return targets + [rule["expr"] for rule in rules()]


def metric_names(expression: str) -> set[str]:
    """Every metric that a PromQL expression reads."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"|\[[^\]]*\]|\b(?:by|on|without)\s*\([^)]*\)|\boffset \w+", " ", expression)
    words = re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w*\s*\()", bare)
    return {word for word in words if word not in {"and", "or", "unless"}}


def registered() -> dict[str, set[str]]:
    """The series that the code can tell, with their labels."""
    assert app.registry.DOMAINS, "importing the registry registers every metric"
    found: dict[str, set[str]] = {}
    for metric in [*REGISTRY.collect(), *PoolCollector({}).collect()]:
        name = metric.name
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(metric.type, ("",))
        found |= {name + suffix: set() for suffix in suffixes}
    return found


def test_names_are_read_out_of_expressions() -> None:
    expression = (
        'sum by (le, x) (rate(a_total{b=~"c.*"}[5m])) / on (job) max(d_e) > 0.5 and sum(rate(f_total[$__r])) > 1'
    )
    expression += " unless sum(g_total offset 15m)"
    assert metric_names(expression) == {"a_total", "d_e", "f_total", "g_total"}


def test_every_metric_of_rules_and_dashboard_is_registered() -> None:
    named = set().union(*(metric_names(expression) for expression in expressions()))
    assert len(named) > 35
    assert named - registered().keys() - OTHERS == set()


def test_every_metric_of_the_service_stands_on_the_dashboard_or_in_a_rule() -> None:
    named = " ".join(expressions())
    own = {name.removesuffix("_sum").removesuffix("_count").removesuffix("_bucket") for name in registered()}
    untold = {name for name in own if name.startswith("spyne_") and name not in named}
    assert untold - {"spyne_build_info"} == set()


def test_every_alert_is_explained_and_tested() -> None:
    guide = (ROOT / "docs/operating.md").read_text()
    tests = yaml.safe_load((PROMETHEUS / "rules.test.yml").read_text())["tests"]
    cases = [(case["alertname"], bool(case["exp_alerts"])) for test in tests for case in test["alert_rule_test"]]
    for rule in rules():
        assert f"`{rule['alert']}`" in guide
        assert {fires for name, fires in cases if name == rule["alert"]} == {True, False}, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "rules.yml"), ("check", "config", "prometheus.yml"), ("test", "rules", "rules.test.yml")],
    ids=" ".join,
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    told = subprocess.run(
        ["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


DASHBOARD_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "time", "refresh"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "title": {"type": "string", "minLength": 1},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "id": False,
        "panels": {
            "type": "array",
            "minItems": 10,
            "items": {
                "type": "object",
                "required": ["id", "type", "title", "gridPos"],
                "properties": {
                    "id": {"type": "integer", "minimum": 1},
                    "type": {"enum": ["row", "stat", "timeseries"]},
                    "title": {"type": "string", "minLength": 1},
                    "gridPos": {
                        "type": "object",
                        "required": ["h", "w", "x", "y"],
                        "additionalProperties": False,
                        "properties": {
                            "h": {"type": "integer", "minimum": 1},
                            "w": {"type": "integer", "minimum": 1, "maximum": 24},
                            "x": {"type": "integer", "minimum": 0, "maximum": 23},
                            "y": {"type": "integer", "minimum": 0},
                        },
                    },
                },
                "if": {"properties": {"type": {"const": "row"}}},
                "else": {
                    "required": ["datasource", "targets", "fieldConfig"],
                    "properties": {
                        "datasource": {"const": {"type": "prometheus", "uid": "spyne-prometheus"}},
                        "targets": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                "type": "object",
                                "required": ["refId", "expr", "legendFormat", "datasource"],
                                "properties": {"refId": {"pattern": "^[A-Z]$"}, "expr": {"minLength": 2}},
                            },
                        },
                    },
                },
            },
        },
    },
}
"""What provisioning needs of a dashboard. Grafana's own schema is under the AGPL and not copied."""


def test_the_dashboard_is_one() -> None:
    document = dashboard()
    jsonschema.validate(document, DASHBOARD_SCHEMA)
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in document["panels"]]
    assert len(places) == len(set(places))
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    assert sources["datasources"][0]["uid"] == "spyne-prometheus"


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


SERVICE_KEYS = {
    "image", "build", "command", "entrypoint", "environment", "volumes", "ports", "depends_on", "healthcheck",
    "restart", "profiles", "read_only", "tmpfs", "cap_drop", "cap_add", "security_opt", "logging",
    "stop_grace_period", "shm_size", "ulimits", "user", "init", "expose", "hostname",
}  # fmt: skip
"""The words of the Compose Specification that the stack may use: a misspelled one would be refused by the engine."""
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period", "disable"}
DURATION = re.compile(r"(\d+(ms|s|m|h))+")


def test_the_stack_hangs_together() -> None:
    stack = compose()
    assert {key for key in stack if not key.startswith("x-")} <= {"services", "volumes"}
    services = stack["services"]
    for name, service in services.items():
        assert service.keys() <= SERVICE_KEYS, name
        health = service.get("healthcheck", {})
        assert health.keys() <= HEALTH_KEYS, name
        assert all(DURATION.fullmatch(str(health[key])) for key in health.keys() - {"test", "retries", "disable"}), name
        needed = service.get("depends_on", {})
        started = {"condition": "service_started"}
        for other, how in (needed if isinstance(needed, dict) else dict.fromkeys(needed, started)).items():
            assert other in services, (name, other)
            assert how["condition"] in {"service_healthy", "service_completed_successfully", "service_started"}
            assert how["condition"] != "service_healthy" or "healthcheck" in services[other], (name, other)
            optional = how.get("required", True) is False
            assert optional or services[other].get("profiles") in (None, service.get("profiles")), (name, other)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            known = (ROOT / source).exists() if source.startswith(".") else source in stack["volumes"]
            assert known, (name, volume)


def test_metrics_are_scraped_where_they_are_answered_and_stay_within_the_stack() -> None:
    services = compose()["services"]
    told = services["api"]["environment"]
    scraped = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped}
    assert targets == {
        "spyne-api": [f"api:{told['SERVER_METRICS_PORT']}"],
        "spyne-worker": [f"worker:{told['JOBS_METRICS_PORT']}"],
    }
    assert told["SERVER_METRICS_HOST"] == "0.0.0.0", "other containers are no loopback"
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert [port for port in published if port.rpartition(":")[2] in {"9091", "9092"}] == []


def test_the_stack_is_pinned_closed_and_without_default_passwords() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    services = compose()["services"]
    assert {"postgres", "migrate", "api", "worker", "prometheus", "grafana", "redis", "mailpit"} < services.keys()
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert tag == "local" or re.search(r"\d+\.\d+", tag), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert name in {"migrate", "citus-setup"} or "healthcheck" in service, name
        assert service["restart"] == ("no" if name in {"migrate", "citus-setup"} else "unless-stopped"), name
    for name in ("migrate", "api", "worker", "prometheus", "grafana", "redis", "mailpit"):
        assert (services[name]["read_only"], services[name]["cap_drop"]) == (True, ["ALL"]), name
    for variable in re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)([^}]*)\}", text):
        assert variable[1].startswith(":?"), variable
    assert "USER spyne" in (ROOT / "deploy/Dockerfile").read_text()


def test_the_image_carries_all_of_its_modules_compiled() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text()
    (compiled,) = re.findall(r"RUN /venv/bin/python -m compileall (.+)", text)
    copied = {name for line in re.findall(r"COPY (?!--)(.+) \S+", text) for name in line.split()}
    folders = {name for name in copied if any((ROOT / name).rglob("*.py"))}
    assert folders == {"app", "alembic"} & set(compiled.split())


@needs_prometheus
async def test_a_real_prometheus_finds_every_target_rule_and_expression(urls: DatabaseUrls, tmp_path: Path) -> None:
    around = Surroundings(urls, SECRET, tmp_path / "home", tmp_path)
    api_port, worker_port, place = free_port(), free_port(), tmp_path / "prometheus"
    place.mkdir()
    async with (
        worker_process(around, SERVER_HOST="127.0.0.1", JOBS_METRICS_PORT=str(worker_port)),
        api_process(around, SERVER_METRICS_PORT=str(api_port)),
        prometheus(place, {"api:9092": api_port, "worker:9091": worker_port}) as client,
    ):
        await _look(client)


async def _look(client: httpx.AsyncClient) -> None:
    async def up() -> bool:
        try:
            told = (await client.get("/query", params={"query": "sum(up)"})).json()
        except (httpx.TransportError, ValueError):  # not there yet, or there and not ready
            return False
        return [one["value"][1] for one in told["data"]["result"]] == ["2"]

    await eventually(up, 40, 0.5)
    for expression in expressions():
        answer = await client.get("/query", params={"query": expression.replace("$__rate_interval", "1m")})
        assert answer.json()["status"] == "success", (expression, answer.text)
    groups = (await client.get("/rules")).json()["data"]["groups"]
    assert len(groups[0]["rules"]) == len(rules())
    described = (await client.get("/metadata", params={"limit": 1000})).json()["data"]
    bases = {re.sub("_(total|bucket|sum|count)$", "", name) for one in expressions() for name in metric_names(one)}
    known = {re.sub("_total$", "", name) for name in described}
    assert bases - known - OTHERS == set()
