"""Processes of the service for tests, started in milliseconds: forks of one process that has the modules imported.

An interpreter of its own spends two to three seconds of processor time on imports, and the tests start some two
hundred. What is started here is a process like any other: with an environment, output, signals and an exit code of
its own, and nothing shared but what importing leaves behind. That `spyne` starts from nothing in an interpreter of
its own is what the demonstration of tests/test_readme.py and the children of every `spyne run` show.
"""

import asyncio
import atexit
import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver, util
from multiprocessing.context import ForkServerContext
from pathlib import Path

IMPORTED = ("tests.imported_by_processes",)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Spawned:
    """A process that runs a module, with those methods of `subprocess.Popen` which tests use."""

    def __init__(
        self, module: str, *arguments: str, env: Mapping[str, str], output: Path, errors: Path | None = None,
        typed: str = "", cwd: Path | None = None,
    ) -> None:  # fmt: skip
        """Start it.

        Args:
            module: runs as `__main__`, as under `python -m`.
            arguments: of the command line.
            env: the whole environment.
            output: standard output is appended to this file.
            errors: standard error is appended to this file, or to `output`.
            typed: comes on standard input.
            cwd: the working directory, or the caller's.
        """
        files = (str(output), str(errors or output))
        given = (module, arguments, dict(env), files, typed, str(cwd or Path.cwd()))
        self._process = _forkserver().Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for the number of a signal; None while the process runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when the process has ended. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    async def ended(self) -> int:
        """The exit code, when the process has ended."""
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        return self.wait()

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def spawned(module: str, *arguments: str, env: Mapping[str, str], output: Path) -> Spawned:
    """The process, started without holding up the event loop: the first one of all waits for the imports."""
    return await asyncio.to_thread(Spawned, module, *arguments, env=env, output=output)


def completed(
    module: str, *arguments: str, env: Mapping[str, str], typed: str = "", seconds: float = 120, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """What a process that ends by itself has said, as `subprocess.run` answers it."""
    with tempfile.TemporaryDirectory(prefix="said-") as folder:
        output, errors = Path(folder) / "out", Path(folder) / "err"
        process = Spawned(module, *arguments, env=env, output=output, errors=errors, typed=typed, cwd=cwd)
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
        return subprocess.CompletedProcess([module, *arguments], code, output.read_text(), errors.read_text())


def end() -> None:
    """Stop the process that forks, and remove its socket, while the folder of the run is still there."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    util._run_finalizers()  # type: ignore[attr-defined]


@cache
def _forkserver() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def _run(
    module: str, arguments: Sequence[str], env: Mapping[str, str], files: tuple[str, str], typed: str, cwd: str
) -> None:
    """Become `python -m module *arguments`."""
    for number, file in zip((1, 2), files, strict=True):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    _type(typed)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    time.tzset()
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()


def _type(text: str) -> None:
    """Put a text on standard input."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lives as long as the process
