"""Joins from evidence: what to ask of the database, and the ranked candidates with their reasons. Pure.

Three steps: `key_questions` names sets of columns that may be keys; in the context that their answers make,
`pair_questions` names pairs that samples cannot tell; with what those measured, `discover` gives the candidates.
Unanswered questions only make candidates fewer or less sure.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

from app.catalog.joins.discovery import wording
from app.catalog.joins.discovery.composites import Composite, composites, pairs, questions, references
from app.catalog.joins.discovery.context import Context, context
from app.catalog.joins.discovery.estimates import measure
from app.catalog.joins.discovery.model import DEFAULT_MIN_SCORE, Candidate, KeyQuestion, Measured, Pair
from app.catalog.joins.discovery.naming import Reading, is_specific
from app.catalog.joins.discovery.scoring import CONTRADICTED, DECLARED, LEAST_CONTAINED, RIVAL, contained
from app.catalog.joins.discovery.singles import Single, singles
from app.catalog.joins.discovery.unproven import broken, is_there, measures, untold
from app.warehouse.evidence.samples import JoinMeasure, TableEvidence

__all__ = (
    "DEFAULT_MIN_SCORE", "Candidate", "KeyQuestion", "Pair", "discover", "key_questions", "pair_questions",
)  # fmt: skip

MOST_KEY_QUESTIONS: Final = 200
MOST_PAIR_QUESTIONS: Final = 300
"""Questions in one discovery, the likeliest first: each is one statement over one or two tables."""

LEAST_NAMED: Final = 0.5
"""Evidence of a name from which a pair that samples cannot tell is worth a statement."""

LEAST_KEPT: Final = 0.15
"""Score below which a candidate is not worth keeping."""

IN_FORCE: Final = LEAST_KEPT
"""Score of an accepted join that no evidence speaks for any more."""

MANY_TO_MANY: Final = 0.3
"""Score of two columns that refer to the same key: a join of them multiplies rows, so it is never suggested."""

_ODD: Final = re.compile(r"[^A-Za-z0-9_]")
"""What a column of an adopted relation may be called, and a path does not take as it is."""

LONGEST_ID: Final = 300
"""Characters of a readable id. A cursor holds one, and has room for 512 (`MAX_CURSOR_LENGTH`) in another coding."""

MOST_MANY_TO_MANY: Final = 200
"""Such candidates that are kept; their number grows with the square of the tables."""


def key_questions(tables: Sequence[TableEvidence]) -> list[KeyQuestion]:
    """Sets of two or three columns whose uniqueness has to be counted, of tables without a unique column."""
    known = context(tables, {})
    return questions(known, singles(known, {}))[:MOST_KEY_QUESTIONS]


def pair_questions(known: Context, in_force: Collection[Pair] = ()) -> list[Pair]:
    """Pairs to be measured: those in force or declared that samples cannot tell, composite ones, then by names."""
    found = singles(known, {})
    told = {each.pair for each in found if each.told}
    declared = [pair for pair in _declared(known) if len(pair.left_columns) > 1 or pair not in told]
    ranked = pairs(known, found) + [
        (each.name.score, each.pair) for each in found if not each.told and each.name.score >= LEAST_NAMED
    ]
    by_name = sorted(ranked, key=lambda each: (-len(each[1].left_columns), -each[0]))
    asked = (*untold(known, in_force), *declared, *(pair for _, pair in by_name))
    return list(dict.fromkeys(asked))[:MOST_PAIR_QUESTIONS]


def discover(known: Context, measured: Measured, in_force: Collection[Pair] = ()) -> list[Candidate]:
    """The candidates, the likeliest first.

    Args:
        known: the context of all tables that may be joined, with the answers to `key_questions`.
        measured: the answers to `pair_questions`; more is welcome.
        in_force: pairs that were accepted: candidates whatever the evidence, as far as anything can be said of them.
    """
    found = singles(known, measured)
    candidates = {each.pair: _of_single(each) for each in found if each.score >= LEAST_KEPT}
    candidates |= {each.pair: _of_composite(each) for each in composites(known, found, measured)}
    for pair in _declared(known):
        candidates[pair] = _as_declared(pair, known, measured, candidates.get(pair))
    kept = _beside_declared(candidates)
    kept += _many_to_many(known, found, {each.pair for each in kept})
    kept += _unproven(known, found, measured, in_force, {each.pair for each in kept})
    return sorted(kept, key=lambda each: (-each.score, each.candidate_id))


def _of_single(single: Single) -> Candidate:
    reasons = (*((single.name.reason,) if single.name.reason else ()), *wording.of_values(single.pair, single.measure))
    warnings = wording.warnings(single.pair, single.measure, small=single.small)
    if single.doubted:
        warnings = (
            *warnings,
            f"{wording.columns(single.pair.left_table, single.pair.left_columns)} fits another better",
        )
    return _candidate(single.pair, single.measure, single.score, reasons, warnings)


def _unproven(
    known: Context, found: Sequence[Single], measured: Measured, in_force: Collection[Pair], taken: set[Pair]
) -> list[Candidate]:
    """References to keys that some rows broke, and joins in force that nothing speaks for, but those that are taken."""
    made: dict[Pair, Candidate] = {}
    for each in broken(known, measured, references(found)):
        single = _of_single(each)
        if single.score >= LEAST_KEPT and (taken | made.keys()).isdisjoint((single.pair, single.pair.turned)):
            key = wording.columns(each.pair.right_table, each.pair.right_columns)
            made[each.pair] = replace(
                single, warnings=(*single.warnings, f"{key} is no key: some rows repeat it, or have none")
            )
    for pair, measure_ in measures(known, measured, in_force).items():
        if pair not in taken and pair not in made:
            warnings = (
                *wording.warnings(pair, measure_, small=False),
                "accepted, though the evidence does not suggest it now",
            )
            made[pair] = _candidate(pair, measure_, IN_FORCE, wording.of_values(pair, measure_), warnings)
    return list(made.values())


def _of_composite(composite: Composite) -> Candidate:
    pair = composite.pair
    key = wording.columns(pair.right_table, pair.right_columns)
    reasons = (f"each column of {key} has its counterpart in {pair.left_table}", f"{key} is unique")
    values = wording.of_values(pair, composite.measure)
    warnings = wording.warnings(pair, composite.measure, small=False)
    return _candidate(pair, composite.measure, composite.score, (*reasons, *values), warnings)


def _candidate(
    pair: Pair, measured: JoinMeasure, score: float, reasons: tuple[str, ...], warnings: tuple[str, ...]
) -> Candidate:
    sides = (pair.left_table, pair.left_columns, pair.right_table, pair.right_columns)
    return Candidate(candidate_id(pair), *sides, measured, score, reasons, warnings)


def _declared(known: Context) -> list[Pair]:
    """The declared foreign keys of which both sides are among the tables."""
    found = []
    for table in known.tables.values():
        for key in table.foreign_keys:
            pair = Pair(table.table, key.columns, key.target, key.target_columns)
            if key.columns and len(key.columns) == len(key.target_columns) and is_there(known, pair):
                found.append(pair)
    return list(dict.fromkeys(found))


def _as_declared(pair: Pair, known: Context, measured: Measured, inferred: Candidate | None) -> Candidate:
    """The candidate of a declared foreign key, whatever was inferred of it."""
    found = measured.get(pair) or (inferred.measure if inferred else _sampled(pair, known))
    found = replace(found, right_unique=True)  # PostgreSQL lets a foreign key refer to nothing else
    reasons = tuple(inferred.reasons if inferred else wording.of_values(pair, found))
    warnings = inferred.warnings if inferred else wording.warnings(pair, found, small=False)
    score = max(DECLARED, inferred.score if inferred else 0.0)
    if found.values and contained(found) < LEAST_CONTAINED:
        score = CONTRADICTED
        warnings = (*warnings, "declared as a foreign key, but most of its values meet nothing")
    made = _candidate(pair, found, score, ("declared as a foreign key", *reasons), warnings)
    return replace(made, declared=True)


def _sampled(pair: Pair, known: Context) -> JoinMeasure:
    """What samples tell of the pair; of a composite one nothing but the numbers of rows."""
    left, right = (
        [known.columns[table, name] for name in names]
        for table, names in ((pair.left_table, pair.left_columns), (pair.right_table, pair.right_columns))
    )
    rows, other_rows = known.rows(pair.left_table), known.rows(pair.right_table)
    if len(left) == 1:
        return measure(left[0], rows, right[0], other_rows)
    nulls, other_nulls = (max(column.nulls for column in side) for side in (left, right))
    return JoinMeasure(
        rows, nulls, 0, 0, 0, other_rows, other_nulls, other_rows - other_nulls, None, None,
        left_unique=False, right_unique=True, values=0, exact=False,
    )  # fmt: skip


def _beside_declared(candidates: Mapping[Pair, Candidate]) -> list[Candidate]:
    """The same, those doubted whose columns are declared to refer elsewhere, and without the way back of a declared."""
    declared = [each for each in candidates.values() if each.declared]
    left = {(each.left_table, each.left_columns) for each in declared}
    back = {(each.right_table, each.right_columns, each.left_table, each.left_columns) for each in declared}
    kept = []
    for each in candidates.values():
        if each.declared:
            kept.append(each)
        elif (each.left_table, each.left_columns, each.right_table, each.right_columns) in back:
            continue
        elif (each.left_table, each.left_columns) in left and each.score >= DEFAULT_MIN_SCORE:
            other = (*each.warnings, "declared to refer to another table")
            kept.append(replace(each, score=round(each.score * RIVAL, 3), warnings=other))
        else:
            kept.append(each)
    return kept


def _many_to_many(known: Context, found: Sequence[Single], taken: set[Pair]) -> list[Candidate]:
    """Columns of two tables with one specific name that refer to the same key, where neither is unique.

    Whose key it is stands in no text: whoever sees both tables may not see that one.
    """
    refers = references(found)
    groups: dict[tuple[tuple[str, str], Reading], list[tuple[str, str]]] = {}
    for place, target in refers.items():
        reading = known.named.columns[place].readings[-1]
        if is_specific(reading):
            groups.setdefault((target, reading), []).append(place)
    made: list[Candidate] = []
    for places in groups.values():
        for one, other in combinations(places, 2):
            if one[0] == other[0] or len(made) >= MOST_MANY_TO_MANY:
                continue
            left, right = sorted((one, other), key=lambda place: (-known.rows(place[0]), place))
            pair = Pair(left[0], (left[1],), right[0], (right[1],))
            both = measure(known.columns[left], known.rows(left[0]), known.columns[right], known.rows(right[0]))
            if pair not in taken and both.left_matched_distinct and not both.left_unique and not both.right_unique:
                said = ("both columns have one name, and refer to the same key", *wording.of_values(pair, both))
                warning = "neither side is unique: rows multiply; join both to the table of that key instead"
                warnings = (*wording.warnings(pair, both, small=False), warning)
                made.append(_candidate(pair, both, MANY_TO_MANY, said, warnings))
    return made


def candidate_id(pair: Pair) -> str:
    """The readable id of a pair: `customers__orders__customer_id`, with the right columns where they differ.

    It is made of the pair alone, so that a pair has one id whatever else is found; of letters, digits and underscores,
    as it stands in a path; at most `LONGEST_ID` characters. Where that, or `__` within a name, would let two pairs have
    one id, a hash of the pair stands at the end.
    """
    same = pair.left_columns == pair.right_columns
    parts = (pair.right_table, pair.left_table, *pair.left_columns, *(() if same else pair.right_columns))
    name = "__".join(parts)
    plain = _ODD.sub("_", name)
    divided = any("__" in part or part.startswith("_") or part.endswith("_") for part in parts)
    if plain == name and len(name) <= LONGEST_ID and not divided:
        return name
    whole = repr((pair.left_table, pair.left_columns, pair.right_table, pair.right_columns))
    end = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{plain[: LONGEST_ID - len(end) - 2]}__{end}"
