"""Processes: the API, the worker, and the supervisor that `spyne run` is."""

import asyncio
import contextlib
import errno
import gc
import logging
import math
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from types import FrameType
from typing import Any

import uvicorn

from app.commands.environment import Environment, NoEnvironmentError
from app.commands.process import Terminated
from app.kernel.http_server import ArrivalLimits, UnknownUvicornError, Watch, arriving, require_fitting
from app.kernel.jobs import Worker, WorkerTimings
from app.kernel.runtime.background import background
from app.kernel.telemetry.logging import configure_logging
from app.kernel.telemetry.metrics import joined
from app.kernel.telemetry.span_export import exporting
from app.main import create_app
from app.middleware.probes import HEALTH_PATHS
from app.operations.configuration.keys import DRAIN_SECONDS
from app.operations.metrics.prometheus import process_gauges
from app.operations.metrics.serving import Facts, metrics_served
from app.operations.modes.shield import ModeWatch
from app.settings import ServerSettings
from app.wiring import jobs, schedules, worker_background

log = logging.getLogger(__name__)

SUPERVISOR = "SPYNE_SUPERVISOR_PID"
"""Set in children: they leave when this process is gone, so that a killed supervisor leaves nothing behind."""

RESTART_PAUSE_SECONDS = 1.0
FIRST_START_SECONDS = 60.0
"""An API that ends by itself within this time has said why it cannot start; trying again would only repeat it."""
STOP_SECONDS = 30.0
BACKLOG = 2048
SPARE_FILES = 512
"""Open files beside connections of clients: pools of the database, spooled answers, stored objects, outgoing calls."""
GC_THRESHOLDS = (10_000, 5, 100)
"""Young objects before a collection, and collections before one of the next generation.

A collection keeps Python's lock, so all wait for it. The defaults (700, 10, 10) collect several times within one
request. Trees of statements live for a whole examination: with 20 collections before one of the middle generation,
that took up to 180 ms beside hostile statements, with 5 it takes 22.
"""


def serve(environment: Environment) -> None:
    """Serve the API until asked to stop.

    Raises `NoEnvironmentError`: the port cannot be had, the database cannot be used as it is, or uvicorn does not fit.
    """
    try:
        require_fitting()
    except UnknownUvicornError as error:
        raise NoEnvironmentError(str(error)) from error
    settings = environment.settings.server
    with _listen(settings.host, settings.port) as listener:
        require_metrics_port(settings.metrics_host, settings.metrics_port, "SERVER_METRICS_PORT")
        environment.require_head()
        server = DrainingServer(_configuration(environment), settings.drain_seconds)
        _settle_garbage_collector()
        with leaving_with_supervisor(), contextlib.suppress(KeyboardInterrupt, Terminated):
            server.run(sockets=[listener])  # sends itself again the signal which ended it, once it has ended in order
    if not server.started:
        raise NoEnvironmentError("The API did not start; the last lines of the log say why.")


class DrainingServer(uvicorn.Server):
    """A server that, asked to stop, says so at /health/ready and serves on until load balancers send nothing new."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self._stops: list[tuple[int, FrameType | None]] = []
        self._drained_at = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave; a second signal, or one with nothing to wait for, ends the server now."""
        application: Any = self.config.app
        if hasattr(application.state, "checkup"):
            application.state.checkup.leaving = True
        again = bool(self._stops)
        self._stops.append((sig, frame))
        if again or not self.started or not self._drain_seconds:
            super().handle_exit(sig, frame)
        else:
            self._drained_at = time.monotonic() + self._drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Whether the server ends; asked ten times a second."""
        if time.monotonic() >= self._drained_at and not self.should_exit:
            super().handle_exit(*self._stops[0])
        return await super().on_tick(counter)


def _configuration(environment: Environment) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(environment.settings, environment.urls, environment.secret),
        http=arriving(Watch(_arrival_limits(environment.settings.server))),
        ws="none",
        timeout_keep_alive=environment.settings.server.keep_alive_seconds,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        access_log=False,
        log_config=None,
        lifespan="on",
        timeout_graceful_shutdown=int(STOP_SECONDS / 2),
        backlog=BACKLOG,
    )


def _arrival_limits(settings: ServerSettings) -> ArrivalLimits:
    """The configured bounds, with no more connections than files may be open; raises the soft limit of those."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            log.warning("fewer open files are allowed than connections are wanted", extra={"open_files": soft})
    allowed = settings.max_connections if soft == resource.RLIM_INFINITY else max(1, soft - SPARE_FILES)
    return ArrivalLimits.of(settings, HEALTH_PATHS, min(settings.max_connections, allowed))


def _settle_garbage_collector() -> None:
    """Spare the collector what lives as long as the process.

    Some hundred thousand objects of routes, models and mappers were walked again and again; measured as pauses of up to
    a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def require_port(settings: ServerSettings) -> None:
    """Return when the API's port is free; else raise `NoEnvironmentError`, before a database is started in vain."""
    _listen(settings.host, settings.port).close()


def _listen(host: str, port: int, variable: str = "SERVER_PORT", place: str = "SERVER_HOST") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise NoEnvironmentError(
                f"Port {port} on {host} is in use; stop what listens there or set {variable}."
            ) from error
        raise NoEnvironmentError(f"Cannot listen on {host}, port {port}: {error.strerror}; set {place}.") from error
    listener.set_inheritable(True)
    return listener


def require_metrics_port(host: str, port: int | None, variable: str) -> None:
    """Return when the port of metrics, if there is to be one, is free. Raises `NoEnvironmentError`."""
    if port is not None:
        _listen(host, port, variable, "SERVER_METRICS_HOST").close()


async def work(environment: Environment) -> None:
    """Run jobs until asked to stop. The caller has seen to it that the schema is at head.

    Raises `NoEnvironmentError`: the port of metrics cannot be had.
    """
    server, timing = environment.settings.server, environment.settings.jobs
    require_metrics_port(server.metrics_host, timing.metrics_port, "JOBS_METRICS_PORT")
    configure_logging(server)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with leaving_with_supervisor():
        async with exporting(environment.settings.tracing, "worker"), environment.resources() as resources:
            modes = ModeWatch(lambda: timedelta(seconds=resources.configured(DRAIN_SECONDS)))
            timings = WorkerTimings(
                lease=timedelta(seconds=timing.lease_seconds),
                poll=timedelta(seconds=timing.poll_seconds),
                grace=timedelta(seconds=timing.grace_seconds),
                concurrency=timing.concurrency,
            )
            resources.extensions.add(modes)
            whole = joined(Facts(resources.database), process_gauges(resources))
            with metrics_served(server.metrics_host, timing.metrics_port, whole):
                async with background(worker_background(), resources):
                    await Worker(resources, jobs(environment.settings), schedules(), timings, modes).run(stop)


@contextlib.contextmanager
def leaving_with_supervisor() -> Iterator[None]:
    """Within the block, this process is asked to stop when its supervisor has gone."""
    supervisor = os.environ.get(SUPERVISOR)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            if os.getppid() != int(supervisor or 0):
                os.kill(os.getpid(), signal.SIGTERM)
                return

    if supervisor is not None:
        threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
    try:
        yield
    finally:
        done.set()


class Supervisor:
    """Keeps PostgreSQL, the API and the worker running until asked to stop; what dies is started again."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._variables = os.environ | {"DATABASE_URL": environment.urls.owner, SUPERVISOR: str(os.getpid())}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def run(self) -> int:
        """Exit code: 0 after an orderly stop, the API's own when it cannot start at all."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._start("serve")
        self._start("worker")
        started = time.monotonic()
        while not self._stopping:
            time.sleep(0.2)
            self._keep_database()
            for name, child in self._children.items():
                code = child.poll()
                if code is None or self._stopping:
                    continue
                if name == "serve" and code > 0 and time.monotonic() - started < FIRST_START_SECONDS:
                    self._end()
                    return code
                log.warning("a process ended and is started again", extra={"child": name, "code": code})
                time.sleep(RESTART_PAUSE_SECONDS)
                self._start(name)
        self._end()
        return 0

    def _keep_database(self) -> None:
        try:
            self._environment.keep_database()
        except NoEnvironmentError as error:
            log.warning("the database does not start again", extra={"reason": str(error)})
            time.sleep(RESTART_PAUSE_SECONDS)

    def _start(self, name: str) -> None:
        # In a group of its own: a Ctrl-C reaches the supervisor alone, which then ends its children in order.
        self._children[name] = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "app.cli", name], env=self._variables, start_new_session=True
        )

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _end(self) -> None:
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def supervise(environment: Environment) -> int:
    """Run the API and the worker as processes of their own; answers the exit code."""
    configure_logging(environment.settings.server)
    return Supervisor(environment).run()
