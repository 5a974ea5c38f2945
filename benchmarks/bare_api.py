"""The floor of `benchmarks/api.py`: FastAPI and asyncpg, one handler that reads one row by primary key."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class State(BaseModel):
    """The answer, of the same shape as the service's."""

    id: str
    name: str
    version: int
    state: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """A pool of the size that the service uses."""
    app.state.pool = await asyncpg.create_pool(
        host=os.environ["PGHOST"],
        port=int(os.environ["PGPORT"]),
        user=os.environ["PGUSER"],
        password=os.environ["PGPASSWORD"],
        database=os.environ["PGDATABASE"],
        min_size=10,
        max_size=10,
    )
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/state/{key}")
async def state(key: str) -> State:
    """One row by its primary key."""
    row: Any = await app.state.pool.fetchrow(
        "SELECT id::text, name, version, state FROM bare_tables WHERE name = $1", key
    )
    return State(**dict(row))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
