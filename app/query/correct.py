"""Use cases of corrections: a reader says what a question meant; an engineer accepts that into the glossary, or not.

What is proposed holds for its author at once and for nobody else. Accepted, a term of the glossary is made of it in the
same transaction; revoked, the term goes with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.catalog.glossary.service import GlossaryReading, GlossaryService
from app.catalog.glossary.term_columns import term_parts
from app.catalog.glossary.terms import Meaning, Term, plain_term
from app.catalog.joins.service import JoinReading
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, Units, WriteSession
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, Fault, InvalidRequest, NotFound
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.kernel.telemetry.metrics import QUERY_CORRECTIONS
from app.query.check_statement import QueryRequest, check_statement
from app.query.corrections.actions import CorrectionAction
from app.query.corrections.corrections import AFTER, MOST_PROPOSED, CorrectionState, Decision, ProposedTerm
from app.query.corrections.models import QueryCorrectionRow
from app.query.corrections.repository import CorrectionReads, CorrectionWrites
from app.query.corrections.schemas import (
    CorrectRequest,
    QueryCorrection,
    SqlCorrection,
    WordsCorrection,
    correction_document,
)
from app.query.models import QueryPreview
from app.query.preview import PreviewService, own_preview
from app.query.questions.answers import plain_question, statement_for, terms_in
from app.query.questions.service import Questions
from app.query.schemas import CorrectedPreviewDocument


class InvalidCorrection(InvalidRequest):
    """A correction names what is not there, or says nothing about the question."""

    code, title = "invalid-correction", "The corrections have faults"


class CorrectionNotFound(NotFound):
    """There is no such correction, or it is another author's."""

    code, title = "correction-not-found", "There is no such correction"


class CorrectionDecided(Conflict):
    """Something else was decided about the correction before."""

    code, title = "correction-decided", "The correction has been decided"


class TooManyCorrections(Conflict):
    """The author has proposed as many corrections as may wait for a decision."""

    code, title = "too-many-corrections", "Too many corrections wait for a decision"


@dataclass(frozen=True, slots=True)
class _Corrected:
    """A question, and what its author says that it meant."""

    preview: QueryPreview | None
    """None of a question that was refused."""
    query: QueryRequest
    question: str
    terms: tuple[ProposedTerm, ...]
    said: tuple[str | None, ...]
    """By term the sentence that it was made of."""


class CorrectionService:
    """Takes corrections of previews."""

    def __init__(self, units: Units, clock: Clock, resources: Resources) -> None:
        self._units, self._clock = units, clock
        self._previews, self._questions = resources.build(PreviewService), resources.build(Questions)

    async def correct(self, actor: Actor, wanted: CorrectRequest) -> CorrectedPreviewDocument:
        """A fresh preview of the question as it was meant. The author's further questions are read so, too.

        Raises:
            PreviewNotFound: there is no such preview of the actor's.
            InvalidCorrection: a correction is wrong, or has nothing to do with the question.
            CannotAnswer, QueriedTableNotFound, QueryRefused, TooExpensive, QueryFailed: as of a preview.
        """
        corrected = await self._corrected(actor, wanted)
        read = await self._questions.read(corrected.question, actor, corrected.terms)
        draft = await self._previews.draft(actor, replace(corrected.query, sql=read.sql), read)
        async with self._units.write() as session:
            document = await self._previews.keep(session, draft)
            rows = await self._propose(session, actor, corrected, document.sql)
        QUERY_CORRECTIONS.inc(len(rows))
        return CorrectedPreviewDocument(**document.model_dump(), corrections=[correction_document(row) for row in rows])

    async def _corrected(self, actor: Actor, wanted: CorrectRequest) -> _Corrected:
        known = await self._questions.terms_in_force(actor)
        async with self._units.read() as session:
            preview, query = await _asked(session, actor, wanted)
            question = query.question or ""
            terms = [await _term(session, question, each) for each in wanted.corrections]
            faults = [
                fault.model_copy(update={"pointer": f"/corrections/{place}{fault.pointer}"})
                for place, term in enumerate(terms)
                for fault in (*await GlossaryReading(session).faults(term), *_unfit(term, question, known, terms))
            ]
        if faults:
            raise InvalidCorrection(faults=faults)
        said = tuple(each.words if isinstance(each, WordsCorrection) else None for each in wanted.corrections)
        return _Corrected(preview, query, question, tuple(_proposed(term) for term in terms), said)

    async def _propose(
        self, session: WriteSession, actor: Actor, corrected: _Corrected, sql: str
    ) -> list[QueryCorrectionRow]:
        """The corrections, proposed instead of what the author proposed for the same terms before."""
        writes, trail = CorrectionWrites(session), AuditTrail(session)
        await writes.lock_author(actor)
        await writes.withdraw(actor, [plain_term(term.term) for term in corrected.terms], self._clock())
        waiting = len(await writes.proposed_by(actor))
        if waiting + len(corrected.terms) > MOST_PROPOSED:
            raise TooManyCorrections(f"{waiting} corrections of yours wait for a decision: revoke some.")
        rows = []
        for term, said in zip(corrected.terms, corrected.said, strict=True):
            about = {
                "id": term.correction_id,
                "said": said,
                "question": corrected.question,
                "preview_id": corrected.preview.id if corrected.preview is not None else None,
                "sql_before": corrected.preview.answer["sql"] if corrected.preview is not None else None,
                "sql_after": sql,
            }
            row = await writes.propose(actor, term, about)
            after = {"meaning": term.meaning.value}
            await trail.append(actor, CorrectionAction.PROPOSED, "query-correction", row.id, term.label, after=after)
            rows.append(row)
        return rows


class CorrectionJudging:
    """Lists corrections, and decides about them."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock) -> None:
        self._units, self._configuration, self._clock = units, configuration, clock

    async def page(self, actor: Actor, state: CorrectionState | None, request: PageRequest) -> Page[QueryCorrectionRow]:
        """The actor's corrections, newest first; everybody's for who may decide about them."""
        author = None if actor.may(Permission.GLOSSARY_WRITE) else actor
        async with self._units.read() as session:
            return await CorrectionReads(session).of(author, state, request)

    async def decide(
        self, actor: Actor, correction_id: UUID, decision: Decision, reason: str | None
    ) -> QueryCorrectionRow:
        """The correction, with what was decided. Authors take their own proposals back; the rest is for engineers.

        Raises:
            CorrectionNotFound: there is no such correction, or it is another author's.
            CorrectionDecided: that cannot be decided any more.
            InvalidGlossaryEntry: what it names is not there any more.
            QueriedTableNotFound, QueryRefused: its statement would not run any more.
        """
        if decision is Decision.ACCEPT:
            await self._require_runnable(actor, correction_id)
        async with self._units.write() as session:
            corrections = CorrectionWrites(session)
            row = await _locked(corrections, actor, correction_id)
            after = AFTER.get((CorrectionState(row.state), decision))
            if after is None:
                raise CorrectionDecided(f"The correction is {row.state}: there is nothing to {decision.value}.")
            if not actor.may(Permission.GLOSSARY_WRITE) and row.state != CorrectionState.PROPOSED.value:
                raise CorrectionDecided("The correction is accepted: an engineer revokes what all answers are read by.")
            await self._settle(session, actor, row, decision)
            row.state, row.reason = after.value, reason
            row.decided_at, row.decided_by = self._clock(), actor.label
            action, said = CorrectionAction.of(decision), {"meaning": row.meaning, "author": row.author_label}
            verb = Verb.APPROVE if decision is Decision.ACCEPT else None
            await AuditTrail(session).append(
                actor, action, "query-correction", row.id, _term_of(row).label, after=said, verb=verb
            )
            return row

    async def _settle(self, session: WriteSession, actor: Actor, row: QueryCorrectionRow, decision: Decision) -> None:
        """What the decision does to the glossary."""
        glossary = GlossaryService(session, self._clock)
        if decision is Decision.ACCEPT:
            row.entry_id = (await glossary.add(replace(_term_of(row), note=row.note or row.said), actor)).id
        elif row.entry_id is not None:
            await glossary.revoke_if_in_force(row.entry_id, actor)

    async def _require_runnable(self, actor: Actor, correction_id: UUID) -> None:
        """Hold the statement of a correction against the guard, as whoever accepts it."""
        async with self._units.read() as session:
            row = await CorrectionReads(session).by_id(correction_id)
        if row is not None and row.sql is not None:
            checked = await check_statement(self._units, self._configuration, QueryRequest(row.sql), actor)
            checked.require_allowed()


async def _asked(
    session: ReadSession, actor: Actor, wanted: CorrectRequest
) -> tuple[QueryPreview | None, QueryRequest]:
    """The preview that is corrected, if there is one, and the request with the question."""
    if wanted.preview_id is None:
        return None, QueryRequest("", question=wanted.question)
    preview, _ = await own_preview(session, actor, wanted.preview_id)
    query = QueryRequest.stored(preview.request)
    if query.question is None:
        message = "This is the preview of a statement: preview the statement that was meant."
        raise InvalidCorrection(faults=[Fault(pointer="/preview_id", code="no-question", message=message)])
    return preview, query


async def _locked(corrections: CorrectionWrites, actor: Actor, correction_id: UUID) -> QueryCorrectionRow:
    """The correction, locked, if the actor may decide about it."""
    row = await corrections.locked(correction_id)
    own = row is not None and (row.author_kind, row.author_id) == (actor.kind.value, actor.id)
    if row is None or not (own or actor.may(Permission.GLOSSARY_WRITE)):
        raise CorrectionNotFound
    return row


async def _term(session: ReadSession, question: str, correction: QueryCorrection) -> Term:
    """What the correction says, as a term: a statement stands for the question, a join for its two tables."""
    if isinstance(correction, SqlCorrection):
        return Term(plain_question(question), Meaning.STATEMENT, sql=correction.sql)
    term = correction.corrected()
    if term.meaning is Meaning.JOIN:
        joins = {join.join_id: join for join in await JoinReading(session).in_force(None)}
        if (join := joins.get(term.term)) is not None:
            return replace(term, term=" and ".join(sorted((join.left.table, join.right.table))))
    return term


def _unfit(term: Term, question: str, known: Sequence[Term], given: Sequence[Term]) -> Iterator[Fault]:
    """Why the term is no correction of the question, by terms that are known and others that are given with it."""
    plain = plain_term(term.term)
    if term.meaning is Meaning.STATEMENT:
        if len(given) > 1:
            message = "A statement answers the whole question: no other correction has a place beside it."
            yield Fault(pointer="/sql", code="not-alone", message=message)
        return
    if sum(plain_term(each.term) == plain for each in given) > 1:
        yield Fault(pointer="/term", code="twice", message=f"{term.term!r} is given several meanings.")
    if statement_for(question, known) is not None:
        message = "A statement is given for the whole question: correct that with another one, or revoke it."
        yield Fault(pointer="/term", code="answered-by-statement", message=message)
        return
    others = [each for each in (*known, *given) if plain_term(each.term) != plain]
    words = [each for each in others if each.meaning is not Meaning.STATEMENT]
    if term not in terms_in(question, [*words, term]):
        message = f"The question has no words {term.term!r}: it is {question!r}."
        yield Fault(pointer="/term", code="not-in-the-question", message=message)


def _proposed(term: Term) -> ProposedTerm:
    parts = {name: getattr(term, name) for name in Term.__dataclass_fields__}
    return ProposedTerm(**parts, correction_id=new_id())


def _term_of(row: QueryCorrectionRow) -> Term:
    return Term(**term_parts(row))
