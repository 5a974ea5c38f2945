"""The embedded server as its users see it: started by the first, shared by all, stopped by the last to leave."""

import asyncio
import atexit
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

from app.kernel.embedded import cluster, configuration, postmaster
from app.kernel.embedded.account import Account, account_for
from app.kernel.embedded.address import ServerAddress
from app.kernel.embedded.handles import Handle, exclusive, live, refuse_other_systems
from app.kernel.embedded.launch import START_SECONDS, STOP_SECONDS, Wanted, bring_up
from app.kernel.embedded.layout import Layout

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class EmbeddedServer:
    """PostgreSQL 18 on a data directory of ours; a context manager, plain and asynchronous.

    Several objects, in one process or many, may use one data directory: the first `start` starts the server, the others
    attach, the last `stop` stops it. A process that dies without `stop` leaves the server running; the next `start`
    attaches to it. A forked child does not own its parent's handle: its `stop` does nothing.

    As root, PostgreSQL runs as another account (see `account`). What that account cannot reach is kept elsewhere: data
    in `/var/lib/spyne` with a symbolic link in the wanted place, programs in `/var/cache/spyne`.

    `password` is fixed when the data directory is made. `port` opens 127.0.0.1:`port` beside the Unix socket.
    `settings` override `configuration.DEFAULTS`; those of the process that starts the server count.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        superuser: str = "spyne_owner",
        password: str,
        settings: Mapping[str, str] = _NO_SETTINGS,
        port: int | None = None,
    ) -> None:
        if not password or "\n" in password:
            raise ValueError("the owner's password must be one non-empty line")
        merged = {**configuration.DEFAULTS, **settings}
        configuration.render(merged)  # a bad setting is refused here, not at the first start
        self._wanted = Wanted(superuser, password, merged, port)
        self._data_dir = data_dir
        self._mutex = threading.Lock()
        self._use: _Use | None = None

    def start(self) -> ServerAddress:
        """The address of the running server, proven by an authenticated `SELECT 1`; started if it does not run.

        Blocks for about a second the first time. Calling it again answers the same address.

        Raises `EmbeddedServerError`: a subclass says what is wrong; nothing that was started here is left running.
        """
        with self._mutex:
            if self._use is None or self._use.process != os.getpid():
                self._use = _Use.begin(Layout.of(self._data_dir), self._wanted)
                atexit.register(self.stop)
            return self._use.address

    def revive(self) -> None:
        """Start the server again when it died under its users; nothing while it runs, or where it was never started.

        Raises `EmbeddedServerError`: a subclass says why it does not start.
        """
        with self._mutex:
            if self._use is not None and self._use.process == os.getpid():
                self._use.revive(self._wanted)

    def stop(self) -> None:
        """Leave the server; the last one to leave stops it, at once if that takes too long. Harmless when not started.

        Raises `ServerStopError`: the server does not go away.
        """
        with self._mutex:
            use, self._use = self._use, None
            if use is not None and use.process == os.getpid():
                atexit.unregister(self.stop)
                use.end()

    def exists(self) -> bool:
        """Whether there is a data directory, or a link in its place."""
        return os.path.lexists(Layout.of(self._data_dir).data)

    def discard(self) -> None:
        """Remove the data directory and what stands beside it; nothing where another process uses it."""
        layout = Layout.of(self._data_dir)
        if not self.exists():
            return
        with exclusive(layout.lock, account_for(layout.data), START_SECONDS):
            if live(layout.handles) or postmaster.running(layout.data.resolve()) is not None:
                return
            cluster.remove(layout)

    async def astart(self) -> ServerAddress:
        """`start`, without blocking the event loop."""
        return await asyncio.to_thread(self.start)

    async def astop(self) -> None:
        """`stop`, without blocking the event loop."""
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> ServerAddress:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> ServerAddress:
        return await self.astart()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.astop()


class _Use:
    """A use of a running server, from attaching to leaving."""

    def __init__(self, layout: Layout, account: Account, handle: Handle, address: ServerAddress) -> None:
        self.address = address
        self.process = os.getpid()
        self._layout = layout
        self._account = account
        self._handle = handle

    @classmethod
    def begin(cls, layout: Layout, wanted: Wanted) -> "_Use":
        account = account_for(layout.data)
        with exclusive(layout.lock, account, START_SECONDS):
            refuse_other_systems(layout.handles)
            handle = Handle.take(layout.handles, account)
            try:
                return cls(layout, account, handle, bring_up(layout, account, wanted))
            except BaseException:
                handle.release()
                raise

    def revive(self, wanted: Wanted) -> None:
        if postmaster.running(self._layout.data) is None:
            with exclusive(self._layout.lock, self._account, START_SECONDS):
                self.address = bring_up(self._layout, self._account, wanted)

    def end(self) -> None:
        with exclusive(self._layout.lock, self._account, START_SECONDS):
            self._handle.release()
            if not live(self._layout.handles):
                postmaster.shut_down(self._layout.data, STOP_SECONDS)
