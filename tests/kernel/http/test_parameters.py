"""What a query may hold: each parameter once, lists often, and nothing that the operation does not take."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Query
from httpx import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from app.kernel.http.errors import install_problem_handlers
from app.kernel.http.parameters import MAX_FAULTS, QueryParameters, UnknownParameter
from app.kernel.http.routes import AnsweringRoute, StrictRoute


class Filters(BaseModel):
    since: str | None = None
    kinds: Annotated[list[str] | None, Query(alias="kind")] = None


async def _deep(cursor: str | None = None) -> str | None:
    return cursor


async def listed(
    filters: Annotated[Filters, Query()], _: Annotated[str | None, Depends(_deep)], limit: int = 10
) -> dict[str, int]:
    return {"limit": limit, "kinds": len(filters.kinds or ())}


async def bare() -> dict[str, bool]:
    return {"answered": True}


@pytest.fixture
async def client() -> AsyncClient:
    app = FastAPI()
    install_problem_handlers(app)
    app.router.route_class = StrictRoute
    app.router.add_api_route("/list", listed)
    app.router.add_api_route("/bare", bare)
    app.router.add_api_route("/callback", bare, route_class_override=AnsweringRoute)
    return AsyncClient(transport=ASGITransport(app), base_url="http://spyne.test")


CASES = [
    ("/list", 200, []),
    ("/list?limit=3&since=x&cursor=y&kind=a&kind=b", 200, []),
    ("/list?limti=3", 422, ["query/limti unknown-parameter Did you mean 'limit'?"]),
    ("/list?LIMIT=3", 422, ["query/LIMIT unknown-parameter Did you mean 'limit'?"]),
    ("/list?q=3", 422, ["query/q unknown-parameter The parameters are cursor, kind, limit, since."]),
    ("/list?kinds=a", 422, ["query/kinds unknown-parameter Did you mean 'kind'?"]),
    ("/list?limit=1&limit=2", 422, ["query/limit repeated-parameter Give it once."]),
    (
        "/list?limit=1&limit=2&sinc=4&sinc=5",
        422,
        ["query/sinc unknown-parameter Did you mean 'since'?", "query/limit repeated-parameter Give it once."],
    ),
    ("/bare?x=1", 422, ["query/x unknown-parameter This operation takes no query parameters."]),
    ("/bare?", 200, []),
    ("/callback?session_state=1&session_state=2", 200, []),
]


@pytest.mark.parametrize(("address", "status", "faults"), CASES)
async def test_queries(client: AsyncClient, address: str, status: int, faults: list[str]) -> None:
    answer = await client.get(address)
    assert answer.status_code == status
    told = answer.json().get("faults", []) if status == 422 else []
    assert [f"{fault['pointer']} {fault['code']} {fault['message']}" for fault in told] == faults


@given(st.lists(st.text(max_size=200), max_size=200))
def test_any_query_is_told_in_bounds(names: list[str]) -> None:
    parameters = QueryParameters(frozenset({"limit"}), frozenset({"kind"}))
    wrong = set(names) - {"limit", "kind"}
    if not wrong:
        return
    with pytest.raises(UnknownParameter) as refused:
        parameters.check(names)
    assert len(refused.value.faults) <= MAX_FAULTS + 1
    assert all(len(fault.pointer) < 100 for fault in refused.value.faults)
