"""Routing costs what it must: on every request each route is asked at most once whether it matches.

FastAPI asks the routes of an included router twice, once to choose the router and once inside of it.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from app.kernel.db.connections import DatabaseUrls
from app.kernel.http.routes import TransactionalRoute
from app.main import create_app
from app.settings import Settings
from tests.conftest import SECRET
from tests.middleware.asgi import scope


@pytest.mark.parametrize("path", ["/api/query/executions", "/api/audit"])
async def test_a_route_is_asked_once(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[int] = Counter()
    served: list[str] = []
    matches = APIRoute.matches

    def counted(route: APIRoute, wanted: Any) -> Any:
        asked[id(route)] += 1
        return matches(route, wanted)

    async def handle(route: APIRoute, *_: Any) -> None:
        served.append(route.path)

    app = create_app(Settings(home=tmp_path), DatabaseUrls("", "", ""), SECRET)
    monkeypatch.setattr(APIRoute, "matches", counted)
    monkeypatch.setattr(TransactionalRoute, "handle", handle)
    await app.router(scope("GET", path), None, None)  # type: ignore[arg-type]  # nothing is received or sent
    assert served == [path]
    assert max(asked.values()) == 1
