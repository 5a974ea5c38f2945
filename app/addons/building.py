"""Building and checking: sample → package → replay → lint → report. Pure; the command and the jobs call these."""

from dataclasses import dataclass
from typing import Any

from app.addons.generator.composing import Identity
from app.addons.generator.generating import Generated, generate
from app.addons.package.files import Package
from app.addons.package.names import addon_name


@dataclass(frozen=True)
class Built:
    """A package that was built."""

    generated: Generated

    @property
    def package(self) -> Package:
        """The package."""
        return self.generated.package

    def report_document(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return {}


def build_addon(sample: bytes, name: str) -> Built:
    """The add-on for the sample. Raises SampleRefused."""
    folder = addon_name(name)
    sourcetype = folder.removeprefix("TA-").replace("-", ":").lower()
    return Built(generate(sample, Identity(folder, name, sourcetype)))
