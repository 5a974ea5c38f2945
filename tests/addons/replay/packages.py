"""Packages written by hand, and what is asked of their replays."""

from datetime import UTC, datetime

from app.addons.package.files import Package
from app.addons.replay.replaying import replay
from app.addons.replay.report import Replay

REFERENCE = datetime(2025, 6, 1, tzinfo=UTC)


def package(props: str, transforms: str = "", **files: str) -> Package:
    """A package of these conf files; further ones by name, `lookup_x` is lookups/x.csv."""
    paths = {"default/props.conf": props, "default/transforms.conf": transforms}
    for name, text in files.items():
        path = f"lookups/{name.removeprefix('lookup_')}.csv" if name.startswith("lookup_") else f"default/{name}.conf"
        paths[path] = text
    return Package("acme", {path: text.encode() for path, text in paths.items() if text})


def replayed(props: str, sample: str, transforms: str = "", **files: str) -> Replay:
    """The replay of the sample; props without a stanza belong to one of a source type."""
    text = props if props.lstrip().startswith("[") else f"[acme]\n{props}"
    return replay(package(text, transforms, **files), sample, reference=REFERENCE)


def only_fields(props: str, sample: str, transforms: str = "", **files: str) -> dict[str, tuple[str, ...]]:
    """The fields of the only event."""
    (event,) = replayed(props, sample, transforms, **files).events
    return dict(event.fields)
