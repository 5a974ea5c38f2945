"""The whole way in a real browser: from the service to the provider's page and back, with the cookies it keeps."""

import asyncio
from pathlib import Path

import pytest

from app.kernel.db.connections import DatabaseUrls
from tests.access.oidc.chromium import CHROMIUM, Chromium, chromium
from tests.access.oidc.conftest import RunningProvider
from tests.access.oidc.provider import CLIENT_ID, CLIENT_SECRET, PASSWORD
from tests.conftest import SECRET
from tests.service_processes import ApiProcess, Surroundings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: nobody logs in"),
]


def _log_in(browser: Chromium, url: str) -> None:
    browser.go(f"{url}/api/auth/oidc/login?return_to=/api/auth/me")
    browser.until("document.forms.length == 1")
    browser.run(
        f"document.forms[0].username.value = 'ada'; document.forms[0].password.value = '{PASSWORD}';"
        "document.forms[0].submit()"
    )


def _walk(url: str, profile: Path) -> tuple[str, dict[str, dict[str, object]], str]:
    with chromium(profile) as browser:
        _log_in(browser, url)
        shown = browser.until("document.body.innerText.includes('ada.lovelace') && document.body.innerText")
        return str(shown), browser.cookies(), str(browser.run("document.cookie"))


async def test_a_person_logs_in_at_the_providers_page_and_comes_back_known(
    urls: DatabaseUrls, provider: RunningProvider, tmp_path: Path
) -> None:
    told = {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_ALLOW_HTTP": "true",
        "OIDC_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    process = ApiProcess(Surroundings(urls, SECRET, tmp_path / "home", tmp_path, told))
    process._environment["OIDC_REDIRECT_BASE_URL"] = process.url
    provider.register(redirect_uri=f"{process.url}/api/auth/oidc/callback")
    try:
        await process.start()
        shown, cookies, visible = await asyncio.to_thread(_walk, process.url, tmp_path / "profile")
    finally:
        await process.kill()
        print(process.log.read_text()[-8000:])
    assert '"session"' in shown
    session = cookies["__Host-spyne_session"]
    assert (session["httpOnly"], session["secure"], session["sameSite"]) == (True, True, "Lax")
    assert "__Host-spyne_oidc" not in cookies
    assert "spyne" not in visible
