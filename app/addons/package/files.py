"""The package as a value: its name and its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Package:
    """One add-on. `name` is its folder in Splunk; paths are below that folder, as `default/props.conf`."""

    name: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        """The file's text (UTF-8, a byte order mark dropped, undecodable bytes replaced); None where it is missing."""
        content = self.files.get(path)
        return None if content is None else content.decode("utf-8-sig", errors="replace")
