"""Stands in for the validation until `app/addons/building.py` has one: a package needs its `default/props.conf`."""

from dataclasses import dataclass
from typing import Any

from app.addons.package.files import Package


@dataclass(frozen=True, slots=True)
class Checked:
    """How a package did."""

    missing: tuple[str, ...]
    lines: int

    @property
    def passed(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def report_document(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return {"missing": list(self.missing), "lines": self.lines}


def check_package(package: Package, sample: bytes) -> Checked:
    """What is missing in the package."""
    needed = ("default/app.conf", "default/props.conf")
    return Checked(tuple(path for path in needed if path not in package.files), sample.count(b"\n"))
