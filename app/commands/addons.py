"""`spyne addon`: the pure half of the add-on plane, without server, database or settings."""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.addons.building.build import Built, Checked, build_addon, check_package
from app.addons.package.archives import read_archive_file, write_archive
from app.addons.package.files import Package

MAX_SAMPLE_BYTES = 512 * 1024 * 1024
SHOWN_FIELDS = 40
SHOWN_LINES = 10
SHOWN_CHARACTERS = 110
SHOWN_VALUE = 40


class AddonRefused(Exception):  # noqa: N818 - what is refused is the command
    """The command cannot do what was asked; the message says why."""


def build(sample: Path, name: str, out: Path, sourcetype: str | None) -> tuple[Built, Path]:
    """The add-on of the sample, and the archive that was written; the package's files stand beside as a folder."""
    built = build_addon(_read(sample), name, sourcetype)
    archive = out / f"{built.package.name}-{built.generated.identity.version}.tar.gz"
    out.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(write_archive(built.package))
    for path, content in built.package.files.items():
        file = out / built.package.name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return built, archive


def check(package: Path, sample: Path, sourcetype: str | None) -> Checked:
    """What the package, an archive or a folder, does to the sample."""
    return check_package(_package(package), _read(sample), sourcetype)


def _package(path: Path) -> Package:
    if path.is_file():
        return read_archive_file(path)
    files = {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and not file.is_symlink()
    }
    if not files:
        raise AddonRefused(f"{path} holds no files. Name an add-on's archive (.tar.gz, .spl) or folder.")
    return Package(path.resolve().name, files)


def _read(sample: Path) -> bytes:
    size = sample.stat().st_size
    if size > MAX_SAMPLE_BYTES:
        raise AddonRefused(f"{sample} has {size} bytes; at most {MAX_SAMPLE_BYTES} are read. Send a part of the log.")
    content = sample.read_bytes()
    return _unpacked(sample, content) if content.startswith(b"\x1f\x8b") else content


def _unpacked(sample: Path, content: bytes) -> bytes:
    """What the gzip file holds; memory is bounded before the content is known."""
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        text = unpacking.decompress(content, MAX_SAMPLE_BYTES)
    except zlib.error as error:
        raise AddonRefused(f"{sample} begins as a gzip file and is none: {error}. Send the lines as text.") from error
    if unpacking.unconsumed_tail:
        raise AddonRefused(f"{sample} holds more than {MAX_SAMPLE_BYTES} bytes. Send a part of the log.")
    return text


def as_json(document: Mapping[str, Any]) -> str:
    """The report as JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_text(document: Mapping[str, Any]) -> str:
    """The report for people: the verdict, the figures, the fields, what was not read and why."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield "passed" if document["passed"] else "did not pass"
    yield from (f"  {fault}" for fault in document["faults"])
    if "addon" in document:
        yield f"add-on {document['addon']} {document['version']}, sourcetype {document['sourcetype']}"
        yield f"format: {', '.join(document['format']) or 'free text'}"
    extraction, time = document["extraction"], document["time"]
    yield (
        f"{document['events']} events, {document['dropped']} dropped; "
        f"a time in {time['share']:.0%}, fields in {extraction['share']:.0%}"
    )
    yield from _fields(extraction["fields"])
    for model in document["models"]:
        lacking = [name for name, count in model["required"].items() if count < model["events"]]
        yield f"model {model['model']}: {model['events']} events" + (
            f"; not in all: {', '.join(lacking)}" if lacking else ""
        )
    yield from _unmatched(document["unmatched"])
    yield from (f"note: {note}" for note in document.get("notes", ()))
    yield from (f"problem: {problem}" for problem in document["problems"])
    for finding in document["lint"]:
        where = finding["path"] + (f":{finding['line']}" if finding["line"] else "")
        yield f"{finding['severity']}: {where}: {finding['message']}"


def _fields(fields: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for field in fields[:SHOWN_FIELDS]:
        examples = ", ".join(_cut(example, SHOWN_VALUE) for example in field["examples"])
        yield f"  {field['name']:<28} {field['events']:>6}  {examples}"
    if len(fields) > SHOWN_FIELDS:
        yield f"  and {len(fields) - SHOWN_FIELDS} more"


def _unmatched(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for event in events[:SHOWN_LINES]:
        yield f"no field from line {event['line']}: {_cut(event['text'], SHOWN_CHARACTERS)}"
        for got in event["got_to"][:1]:
            failing, near = _cut(got["failing"], SHOWN_VALUE), _cut(got["near"], SHOWN_VALUE)
            yield f"    {got['setting']} matches to {got['position']}, then fails at {failing} before {near!r}"


def _cut(text: str, length: int) -> str:
    line = text.replace("\n", "\\n")
    return line if len(line) <= length else line[: length - 1] + "…"
