"""A worker process for the tests of tracing: one job, which reads the database and calls the address it is given."""

import asyncio
import signal
from ipaddress import ip_network

from app.kernel.db.connections import database_urls
from app.kernel.db.migrations import require_head
from app.kernel.http.client import OutboundHttp, OutboundPolicy
from app.kernel.jobs import JobContext, JobDefinition, Worker
from app.kernel.security.secrets import load_secret
from app.kernel.telemetry.logging import configure_logging
from app.kernel.telemetry.span_export import exporting
from app.settings import Settings
from app.wiring import open_resources

CALL = "tests:call"


async def call(context: JobContext) -> None:
    async with context.database.read() as session:
        await require_head(session)
    policy = OutboundPolicy(schemes=frozenset({"http"}), networks=(ip_network("127.0.0.0/8"),))
    async with OutboundHttp(policy) as http:
        await http.request("POST", context.payload["url"] + "/hook?key=hunter2", content=b"{}")


async def main() -> None:
    settings = Settings()
    configure_logging(settings.server)
    secret = load_secret(settings)
    assert settings.database.url is not None
    urls = database_urls(settings.database.url.get_secret_value(), settings.database, secret)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with exporting(settings.tracing, "worker"), open_resources(settings, urls, secret) as resources:
        await Worker(resources, [JobDefinition(name=CALL, handler=call, max_starts=1)]).run(stop)


if __name__ == "__main__":
    asyncio.run(main())
