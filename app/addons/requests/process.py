"""The process in which packages are built and checked: bounded in memory and time, and gone with its parent.

    python -m app.addons.requests.process build|check|judge|replay

Standard input carries three frames, each a length of 8 bytes (big-endian) and as many bytes: a JSON object of
arguments, an archive, a sample. Standard output carries two: a JSON object, an archive; of a replay the events as JSON
instead. Descriptor `LIFELINE`, if it
is given, ends the process when its other end is closed, as it is when the parent is killed.
"""

import json
import re
import resource
import sys
from base64 import b64encode
from typing import Any, Final

from app.addons.building.build import SampleRefused, build_addon, check_package, replayed_beginning
from app.addons.package.archives import read_archive, write_archive
from app.addons.package.conf import conf_settings
from app.addons.package.entries import ArchiveFault
from app.addons.proposals.changes import Change, Changes
from app.addons.proposals.judging import judged
from app.addons.proposals.outcome import Refused
from app.addons.replay.settings.stanzas import first_sourcetype
from app.addons.sandbox.events import SandboxEvent
from app.kernel.confinement import end_with_parent, frame, read_frame

CPU_GRACE_SECONDS: Final = 5

_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*+)\\u0000")
"""A NUL in JSON; a backslash that is escaped itself and stands before `u0000` begins none."""

Frames = tuple[dict[str, Any], bytes]


def build(arguments: dict[str, Any], sample: bytes) -> Frames:
    """The report and the archive of an add-on for the sample; or `refused` with code and message."""
    try:
        built = build_addon(sample, arguments["name"], arguments["sourcetype"])
    except SampleRefused as refusal:
        return {"refused": {"code": refusal.code, "message": str(refusal)}}, b""
    return {"report": built.report_document()}, write_archive(built.package)


def check(arguments: dict[str, Any], archive: bytes, sample: bytes) -> Frames:
    """Whether the package passes over the sample, and the report; or `refused` with code and message."""
    try:
        checked = check_package(read_archive(archive), sample, arguments["sourcetype"])
    except (ArchiveFault, SampleRefused) as fault:
        return {"refused": {"code": fault.code, "message": str(fault)}}, b""
    return {"passed": checked.passed, "report": checked.report_document()}, b""


def judge(arguments: dict[str, Any], archive: bytes, sample: bytes) -> Frames:
    """The report and the archive of the changed package; or `kept_not` with the rule by which nothing is changed."""
    changes = Changes(tuple(Change(*each) for each in arguments["changes"]), "")
    try:
        found = judged(read_archive(archive), sample, arguments["sourcetype"], changes)
    except (ArchiveFault, SampleRefused) as fault:
        return {"refused": {"code": fault.code, "message": str(fault)}}, b""
    if isinstance(found, Refused):
        return {"kept_not": found.rule.value}, b""
    return {"report": found.checked.report_document()}, write_archive(found.package)


def replayed(arguments: dict[str, Any], archive: bytes, sample: bytes) -> Frames:
    """The beginning of the sample and its events, for a trial in a Splunk; or `refused` with code and message."""
    try:
        package = read_archive(archive)
        sourcetype = arguments["sourcetype"] or first_sourcetype(conf_settings(package, "props"))
        beginning, found = replayed_beginning(package, sample, sourcetype, arguments["characters"])
    except (ArchiveFault, SampleRefused) as fault:
        return {"refused": {"code": fault.code, "message": str(fault)}}, b""
    events = [SandboxEvent.of_replay(event).as_document() for event in found.events]
    trial = {"sourcetype": sourcetype, "sample": b64encode(beginning).decode(), "events": events}
    return {}, json.dumps(trial).encode()


def plain_json(document: dict[str, Any]) -> bytes:
    """The document as JSON that PostgreSQL can keep: no NUL, no half of a pair of surrogates."""
    return _NUL.sub("\\1\ufffd", json.dumps(document, ensure_ascii=False)).encode("utf-8", "replace")


def _confine(arguments: dict[str, Any]) -> None:
    """Bound memory and processor time, leave no core dump, write no file."""
    memory, seconds = int(arguments["memory_bytes"]), int(arguments["seconds"]) + CPU_GRACE_SECONDS
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _done(kind: str, arguments: dict[str, Any], archive: bytes, sample: bytes) -> Frames:
    if kind == "build":
        return build(arguments, sample)
    done = {"check": check, "judge": judge, "replay": replayed}[kind]
    return done(arguments, archive, sample)


def main(kind: str, lifeline: int | None) -> None:
    """Do one piece of work."""
    if lifeline is not None:
        end_with_parent(lifeline)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    arguments = json.loads(read_frame(source))
    archive, sample = read_frame(source), read_frame(source)
    _confine(arguments)
    document, made = _done(kind, arguments, archive, sample)
    target.write(frame(plain_json(document)) + frame(made))
    target.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)  # noqa: PLR2004 - the one optional argument
