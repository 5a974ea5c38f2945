"""The watch over all connections."""

import asyncio

from app.kernel.http_server import ArrivalLimits, Watch
from app.kernel.telemetry.metrics import CONNECTIONS_OPEN
from tests.waiting import eventually


class Connection:
    """Counts how often it was looked at; may be faulty."""

    def __init__(self, *, faulty: bool = False, cut: bool = False) -> None:
        self.looks = 0
        self.faulty = faulty
        self.cut = cut
        self.left: str | None = None

    def look(self, now: float, elapsed: float, late: float) -> bool:
        assert now > 0
        assert 0 <= late <= elapsed
        self.looks += 1
        if self.faulty:
            raise RuntimeError
        return self.cut

    def make_room(self) -> None:
        self.left = "room"

    def turn_away(self) -> None:
        self.left = "away"


LIMITS = ArrivalLimits(sweep_seconds=0.05, max_connections=3, probe_connections=1)


async def ended(watch: Watch) -> None:
    """Nothing goes on without connections."""
    await eventually(lambda: watch._timer is None, what="the end of the watch")


async def test_a_faulty_connection_does_not_end_the_watch() -> None:
    connections = {Connection(faulty=True), Connection(), Connection(faulty=True)}
    watch = Watch(LIMITS)
    for connection in connections:
        watch.admit(connection, connections, asyncio.get_running_loop())
    await eventually(lambda: min(connection.looks for connection in connections) >= 3, what="the third look")
    assert CONNECTIONS_OPEN._value.get() == 3
    connections.clear()
    await ended(watch)


async def test_all_are_looked_at_though_many_are_cut() -> None:
    connections = {Connection(cut=True) for _ in range(200)}
    watch = Watch(ArrivalLimits(sweep_seconds=0.05))
    for connection in connections:
        watch.admit(connection, connections, asyncio.get_running_loop())
    await eventually(lambda: all(connection.looks for connection in connections), what="a look at each")
    connections.clear()
    await ended(watch)


async def test_who_waits_longest_makes_room_and_the_busy_stay() -> None:
    watch, loop = Watch(LIMITS), asyncio.get_running_loop()
    first, second, third = made = [Connection() for _ in range(3)]
    connections = set(made)
    assert all(watch.admit(connection, connections, loop) for connection in made)
    watch.is_busy(first)
    fourth = Connection()
    connections.add(fourth)
    assert watch.admit(fourth, connections, loop)
    assert [connection.left for connection in made] == [None, "room", None]
    connections.discard(second)
    watch.waits(first)  # behind the others now
    for connection in (third, fourth):
        watch.is_busy(connection)
    watch.is_busy(first)
    probe, beyond = Connection(), Connection()
    connections.add(probe)
    assert not watch.admit(probe, connections, loop)  # probes alone
    watch.is_busy(probe)
    connections.add(beyond)
    assert not watch.admit(beyond, connections, loop)
    assert (probe.left, beyond.left) == (None, "away")
    connections.clear()
    await ended(watch)
