"""A real browser, driven over its debugging pipe: no driver and no library in between."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")


class Chromium:
    """One page of a headless Chromium."""

    def __init__(self, write: int, read: int) -> None:
        self._write = write
        self._read = read
        self._rest = b""
        self._number = 0
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The browser's answer to a command."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._read, 65_536)
            assert part, "the browser has gone"
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(text))

    def go(self, url: str) -> None:
        self.call("Page.navigate", self._session, url=url)

    def run(self, script: str) -> Any:
        """What the script answers in the page."""
        answer = self.call("Runtime.evaluate", self._session, expression=script, returnByValue=True)
        return answer["result"].get("value")

    def until(self, script: str, seconds: float = 20) -> Any:
        """What the script answers once that is true."""
        end = time.monotonic() + seconds
        while True:
            found = self.run(script)
            if found:
                return found
            assert time.monotonic() < end, self.run("document.documentElement.outerHTML")
            time.sleep(0.1)

    def cookies(self) -> dict[str, dict[str, Any]]:
        """All of them by name, those that scripts cannot see too."""
        return {cookie["name"]: cookie for cookie in self.call("Storage.getCookies")["cookies"]}


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """The browser, with a profile of its own; ended with the block."""
    assert CHROMIUM is not None
    to_browser, from_browser = os.pipe(), os.pipe()
    flags = f"--headless --no-sandbox --disable-gpu --no-first-run --remote-debugging-pipe --user-data-dir={profile}"
    script = f'exec "{CHROMIUM}" {flags} about:blank 3<&{to_browser[0]} 4>&{from_browser[1]}'
    inherited = (to_browser[0], from_browser[1])
    process = subprocess.Popen(  # the shell is replaced by the browser
        ["bash", "-c", script], pass_fds=inherited, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for descriptor in inherited:
        os.close(descriptor)
    try:
        yield Chromium(to_browser[1], from_browser[0])
    finally:
        process.terminate()
        process.wait(20)
        os.close(to_browser[1])
        os.close(from_browser[0])
