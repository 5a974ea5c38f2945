"""A generated package is shown to a language model, and what the model proposes is judged in a process of its own.

Whatever the model or the judging comes to, the generated package stands: a proposal adds a version or a note.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from app.addons.package.files import Package
from app.addons.proposals.changes import Changes
from app.addons.proposals.outcome import Refused, Rule, refusal_document
from app.addons.proposals.service import AddonProposals
from app.addons.requests.work import AddonWork, BuiltPackage, WorkBrokenError, WorkRefused, WorkTooLong
from app.kernel.language_model.answers import NoAnswer

MARK: Final = "Proposed by a language model and kept"
"""Begins the note of every version that holds a proposal."""
_NAMED: Final = 10
"""Changes that a note names."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A package that is to become a version."""

    package: Package
    report: dict[str, Any]
    note: str | None = None


class Proposing:
    """Asks, judges, and says what came of it."""

    def __init__(self, proposals: AddonProposals, work: AddonWork) -> None:
        self._proposals, self._work = proposals, work

    async def drafts(self, built: BuiltPackage, sample: bytes) -> tuple[Draft, ...]:
        """The generated package, and behind it the changed one when a proposal is kept."""
        sourcetype = built.report.get("sourcetype")
        if not isinstance(sourcetype, str):
            return (Draft(built.package, built.report),)
        found = await self._proposals.propose(built.package, built.report, sourcetype)
        if found is None:
            return (Draft(built.package, built.report),)
        if not isinstance(found, Changes):
            return (_refused(built, found),)
        kept = await self._judged(built, sample, sourcetype, found)
        if isinstance(kept, Refused):
            return (_refused(built, kept),)
        changes = [{"file": each.file, "stanza": each.stanza, "key": each.key, "value": each.value}
                   for each in found.changes]  # fmt: skip
        document = {"outcome": "kept", "by": "language-model", "changes": changes, "why": found.why}
        report = built.report | kept.report | {"proposal": document}
        return Draft(built.package, built.report), Draft(kept.package, report, _note(found))

    async def _judged(
        self, built: BuiltPackage, sample: bytes, sourcetype: str, changes: Changes
    ) -> BuiltPackage | Refused:
        try:
            return await self._work.judge(built.package, sample, sourcetype, changes)
        except (WorkRefused, WorkTooLong, WorkBrokenError):
            return Refused(Rule.UNJUDGED)


def _refused(built: BuiltPackage, found: Refused | NoAnswer) -> Draft:
    """The generated package with the reason in the report's notes; no word of the model's is in it."""
    document = refusal_document(found)
    note = f"A language model was asked for changes, and none is kept: {document['detail']}"
    notes = [*built.report.get("notes", ()), note]
    return Draft(built.package, built.report | {"notes": notes, "proposal": document}, note)


def _note(changes: Changes) -> str:
    named = [f"{'removed' if each.value is None else 'set'} {each.key} of [{each.stanza}] in {each.file}"
             for each in changes.changes]  # fmt: skip
    more = len(named) - _NAMED
    told = "; ".join(named[:_NAMED]) + (f"; {more} more" if more > 0 else "")
    return f"{MARK}: {told}." + (f' The model\'s reason: "{changes.why}"' if changes.why else "")


def cited(draft: Draft, sources: str) -> Draft:
    """The draft whose README ends with the sources."""
    readme = draft.package.files.get("README.md")
    if not sources or readme is None:
        return draft
    files = {**draft.package.files, "README.md": readme + sources.encode("utf-8", "replace")}
    return replace(draft, package=Package(draft.package.name, files))
