"""Breaking drift that is found over HTTP reaches the alert, Grafana's panel and the tile: with a real Prometheus."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.kernel.db.connections import DatabaseUrls
from app.settings import Settings
from tests import loopback
from tests.conftest import SECRET
from tests.deploy.prometheus import needs_prometheus, prometheus
from tests.ingestion.steps import at, register, send
from tests.service_processes import Surroundings, api_process
from tests.spawning import free_port
from tests.waiting import eventually

ALERT = "SpyneDriftBreaking"
DASHBOARD = Path(__file__).resolve().parents[2] / "deploy/grafana/dashboards/spyne.json"


def panel() -> dict[str, str]:
    """The expressions of the dashboard's panel about drift, by their legend."""
    (found,) = [each for each in json.loads(DASHBOARD.read_text())["panels"] if each["title"] == "Drift"]
    return {each["legendFormat"]: each["expr"].replace("$__rate_interval", "1m") for each in found["targets"]}


async def answers(prometheus: httpx.AsyncClient, path: str, **params: str) -> Any:
    """The data that Prometheus answers; None while it is not ready."""
    try:
        told = (await prometheus.get(path, params=params)).json()
    except (httpx.TransportError, ValueError):
        return None
    return told["data"]


async def values(prometheus: httpx.AsyncClient, expression: str) -> dict[str, float]:
    """What an expression answers, by severity."""
    data = await answers(prometheus, "/query", query=expression)
    return (
        {} if data is None else {each["metric"].get("severity", ""): float(each["value"][1]) for each in data["result"]}
    )


def misfit(column: str) -> bytes:
    """A row in which a column has a value of another family: breaking drift."""
    return json.dumps({"id": 1, "at": at(0), "v": 1, "w": 1} | {column: "words"}).encode() + b"\n"


async def found(engineer: httpx.AsyncClient, contract_id: str, column: str) -> str:
    """The id of the report on a batch that breaks the type of a column."""
    refused = await send(engineer, contract_id, misfit(column))
    assert refused.status_code == 422, refused.text
    newest = (await engineer.get("/api/drift", params={"contract_id": contract_id})).json()["items"][0]
    assert (newest["severity"], newest["changes"][0]["column"]) == ("BREAKING", column)
    return str(newest["id"])


@needs_prometheus
@pytest.mark.slow
@pytest.mark.usefixtures("open_for_data")
async def test_breaking_drift_fires_its_alert_and_shows_on_panel_and_tile(
    admin: httpx.AsyncClient, urls: DatabaseUrls, settings: Settings, tmp_path: Path
) -> None:
    columns = [{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}]
    columns += [{"name": name, "type": "integer"} for name in ("v", "w")]
    contract_id = await register(admin, "alerting", columns=columns)
    port, place = free_port(), tmp_path / "prometheus"
    place.mkdir()
    around = Surroundings(urls, SECRET, settings.home, tmp_path)
    async with (
        api_process(around, SERVER_METRICS_PORT=str(port)) as api,
        prometheus(place, {"api:9092": port, "worker:9091": free_port()}) as metrics,
        loopback.client(api.url, headers=dict(admin.headers), timeout=20) as engineer,
    ):

        async def scraped() -> bool:
            return bool(await values(metrics, 'up{job="spyne-api"} == 1'))

        await eventually(scraped, 60, what="the first scrape")
        first = await found(engineer, contract_id, "v")

        async def fires() -> bool:
            alerts = (await answers(metrics, "/alerts"))["alerts"]
            return [
                (each["labels"]["contract_id"], each["labels"]["severity"], each["state"])
                for each in alerts
                if each["labels"]["alertname"] == ALERT
            ] == [(contract_id, "warning", "firing")]

        await eventually(fires, 30, what=ALERT)
        resolution = {"action": "reject", "note": "the sender was wrong"}
        assert (await engineer.post(f"/api/drift/{first}/resolve", json=resolution)).status_code == 200

        async def resolved_once() -> bool:
            return await values(metrics, "sum(spyne_drift_resolved_total)") == {"": 1.0}

        await eventually(resolved_once, 30)
        second = await found(engineer, contract_id, "w")
        tile = (await engineer.get("/system/dashboard")).json()["tiles"]["drift"]["data"]
        assert (tile["open"], tile["breaking"], tile["resolved_last_day"], tile["tables"]) == (1, 1, 1, 1)
        assert (await engineer.post(f"/api/drift/{second}/resolve", json=resolution)).status_code == 200

        async def shown() -> bool:
            values_of = {legend: await values(metrics, expression) for legend, expression in panel().items()}
            increases = values_of["found: {{severity}}"].get("BREAKING", 0), values_of["resolved"].get("", 0)
            return all(increase > 0 for increase in increases)

        await eventually(shown, 30, what="the panel's values")
        assert await values(metrics, "sum by (severity) (spyne_drift_detected_total)") == {"BREAKING": 2.0}
