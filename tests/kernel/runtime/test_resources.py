"""What a constructor asks for by type is what it gets."""

from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.clock import Clock
from app.kernel.db.database import Database, ReadSession, Units
from app.kernel.http.sessions import reads
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.resources import Resources
from app.kernel.security.secrets import ServiceSecret
from app.settings import Settings


class Everything:
    def __init__(
        self, session: str, secret: ServiceSecret, clock: Clock, units: Units, kinds: EventKinds, page: int = 3
    ) -> None:
        self.parts = (session, secret, clock, units, kinds, page)


class Unknown:
    def __init__(self, session: str, what: list[int]) -> None:
        self.parts = (session, what)


async def test_parts_are_handed_in_by_type_and_defaults_are_kept(resources: Resources) -> None:
    built = resources.build(Everything, "the session")
    kinds = resources.extensions.of(EventKinds)
    assert built.parts == ("the session", resources.secret, resources.clock, resources.database, kinds, 3)


async def test_the_database_is_handed_in_under_both_names(resources: Resources) -> None:
    def both(database: Database, units: Units, settings: Settings) -> tuple[object, ...]:
        return database, units, settings

    assert resources.build(both) == (resources.database, resources.database, resources.settings)


async def test_who_hands_them_on_gets_all_of_them(resources: Resources) -> None:
    def all_of_them(whole: Resources) -> Resources:
        return whole

    assert resources.build(all_of_them) is resources


async def test_a_type_that_nobody_hands_in_is_a_bug(resources: Resources) -> None:
    with pytest.raises(LookupError):
        resources.build(Unknown, "the session")


class Rows:
    def __init__(self, session: ReadSession, settings: Settings) -> None:
        self.session, self.settings = session, settings


async def test_a_repository_is_injected_on_a_session_of_the_request(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    @app.get("/look")
    async def look(rows: Annotated[Rows, reads(Rows)]) -> list[bool]:
        return [type(rows.session) is ReadSession, rows.settings is app.state.resources.settings]

    assert (await anonymous.get("/look")).json() == [True, True]
