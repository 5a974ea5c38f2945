"""The parts of uvicorn that the protocol relies on are there, and a release without one of them is refused by name."""

import ast
import inspect
from collections import deque
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.commands import serving
from app.commands.environment import NoEnvironmentError
from app.kernel.http_server import Watch, arriving, protocol
from app.kernel.http_server.fitting import ATTRIBUTES, METHODS, UnknownUvicornError, missing_parts, require_fitting
from app.kernel.http_server.limits import ArrivalLimits


def test_the_installed_release_has_every_part() -> None:
    assert list(missing_parts(HttpToolsProtocol)) == []
    require_fitting()
    assert issubclass(arriving(Watch(ArrivalLimits())), HttpToolsProtocol)


class Renamed(HttpToolsProtocol):
    _start_asgi_task: Any = None


class OtherParameters(HttpToolsProtocol):
    def on_body(self, body: bytes, last: bool) -> None:  # type: ignore[override]  # the point
        """As another release might have it."""


class OtherQueue(HttpToolsProtocol):
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.pipeline = deque(reversed(list(self.pipeline)), maxlen=1)
        self.pipeline.append(self.cycle)  # type: ignore[arg-type]  # the point


class NoDisconnection(HttpToolsProtocol):
    def on_message_complete(self) -> None:
        super().on_message_complete()
        del self.cycle.disconnected


class Failing(HttpToolsProtocol):
    def __init__(self, *_: Any) -> None:
        raise TypeError("one more argument is needed")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Renamed, "_start_asgi_task"),
        (OtherParameters, "on_body"),
        (OtherQueue, "pipeline"),
        (NoDisconnection, "cycle.disconnected"),
        (Failing, "one more argument is needed"),
    ],
)
def test_another_shape_is_refused_by_name(kind: type[HttpToolsProtocol], words: str) -> None:
    with pytest.raises(UnknownUvicornError, match=words) as refused:
        require_fitting(kind)
    assert "requirements.txt" in str(refused.value)


def test_the_service_does_not_start_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        require_fitting(OtherParameters)

    monkeypatch.setattr(serving, "require_fitting", refuse)
    with pytest.raises(NoEnvironmentError, match="on_body"):
        serving.serve(None)  # type: ignore[arg-type]  # nothing of the place is looked at before


def test_the_list_names_all_that_the_protocol_takes_from_uvicorn() -> None:
    """What the class reads of itself, and has not made itself, is uvicorn's."""
    tree = ast.parse(inspect.getsource(protocol.ArrivalProtocol))
    (made,) = tree.body
    assert isinstance(made, ast.ClassDef)
    own = {node.name for node in made.body if isinstance(node, ast.FunctionDef)}
    own |= {"watch"} | {
        node.attr for node in ast.walk(made) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    used = {
        node.attr
        for node in ast.walk(made)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    listed = {path.partition(".")[0] for path in ATTRIBUTES} | METHODS.keys()
    assert used - own - listed == {"loop"}  # the protocol's argument
    overridden = {name for name in own if hasattr(HttpToolsProtocol, name) and not name.startswith("__")}
    assert overridden <= METHODS.keys()
