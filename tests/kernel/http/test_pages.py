"""Swagger UI works in a real browser under the policy of its page, and what is smuggled into the page does not."""

from pathlib import Path

import pytest

from app.kernel.db.connections import DatabaseUrls
from tests.access.oidc.chromium import CHROMIUM, chromium
from tests.conftest import SECRET
from tests.service_processes import Surroundings, api_process

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

LISTEN = "window.refused = []; addEventListener('securitypolicyviolation', e => refused.push(e.effectiveDirective))"
SMUGGLE = """(() => {
    const script = document.createElement('script');
    script.textContent = 'window.smuggled = true';
    document.body.append(script);
    const image = new Image();
    image.src = 'https://attacker.example/x.png';
    document.body.append(image);
    fetch('https://attacker.example/').catch(() => {});
})()"""


async def test_swagger_ui_draws_asks_and_runs_nothing_else(urls: DatabaseUrls, tmp_path: Path) -> None:
    around = Surroundings(urls, SECRET, tmp_path / "home", tmp_path)
    async with api_process(around) as api:
        with chromium(tmp_path / "profile") as browser:
            browser.call("Page.enable", browser._session)
            browser.call("Page.addScriptToEvaluateOnNewDocument", browser._session, source=LISTEN)
            browser.go(f"{api.url}/docs")
            assert browser.until("document.querySelectorAll('.opblock').length", 60) > 100
            browser.run("document.querySelector('#operations-health-health_live .opblock-summary-control').click()")
            browser.until("!!document.querySelector('#operations-health-health_live .try-out__btn')")
            browser.run("document.querySelector('#operations-health-health_live .try-out__btn').click()")
            browser.until("!!document.querySelector('#operations-health-health_live .execute')")
            browser.run("document.querySelector('#operations-health-health_live .execute').click()")
            shown = "document.querySelector('#operations-health-health_live .live-responses-table')?.innerText ?? ''"
            browser.until(f'({shown}).includes(\'"status": "ok"\')')
            assert browser.run("refused") == []
            browser.run(SMUGGLE)
            browser.until("refused.length >= 3")
            assert set(browser.run("refused")) >= {"script-src-elem", "img-src", "connect-src"}
            assert browser.run("window.smuggled") is None
