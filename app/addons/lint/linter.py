"""The lint: every rule over one package, in a stable order, bounded."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from app.addons.lint import (
    conf_lines,
    descriptions,
    extractions,
    fields,
    files,
    indexing,
    lookups,
    searches,
    transforms,
    values,
)
from app.addons.lint.documents import LintedPackage, linted_package
from app.addons.lint.findings import LintFinding
from app.addons.package.files import Package

MAX_FINDINGS_OF_A_RULE: Final = 100
"""A rule that finds more is not heard to the end: the first hundred say enough."""

Check = Callable[[LintedPackage], Iterator[LintFinding]]
CHECKS: Final[tuple[Check, ...]] = (
    *(conf_lines.conf_too_large, conf_lines.encodings, conf_lines.line_faults, conf_lines.settings_outside_stanzas),
    *(conf_lines.broken_continuations, conf_lines.unread_places, conf_lines.overlong_values),
    *(values.unknown_keys, values.impossible_values),
    *(extractions.invalid_regexes, extractions.nested_quantifiers, extractions.nameless_extracts),
    *(extractions.extracts_of_missing_fields, extractions.overwritten_default_fields, extractions.malformed_sed),
    *(indexing.breakers_without_group, indexing.line_merging, indexing.unlimited_lines, indexing.time_formats),
    *(indexing.idle_time_settings, indexing.doubled_fields, indexing.index_time_settings, indexing.stanza_names),
    *(transforms.missing_transforms, transforms.unused_transforms, transforms.transforms_without_regex),
    *(transforms.formats, transforms.index_time_targets),
    *(fields.malformed_aliases, fields.doubtful_aliases, fields.colliding_aliases, fields.evals),
    *(lookups.definitions, lookups.malformed_uses, lookups.missing_columns, lookups.unused_lookups),
    lookups.lookup_contents,
    *(searches.event_types, searches.foreign_sourcetypes, searches.tags, searches.running_by_itself),
    *(descriptions.missing_files, descriptions.app_names, descriptions.versions, descriptions.app_conf_contents),
    *(descriptions.exports, descriptions.manifest_shape),
    *(files.local_content, files.programs, files.file_names, files.secrets),
)


def lint(package: Package) -> tuple[LintFinding, ...]:
    """What is wrong with the package, ordered by path and line; empty for a package in order. Nothing raises.

    At most `MAX_FINDINGS_OF_A_RULE` findings for each check; the work grows with the package's bytes.
    """
    linted = linted_package(package)
    findings = [finding for check in CHECKS for finding in islice(check(linted), MAX_FINDINGS_OF_A_RULE)]
    return tuple(sorted(set(findings), key=_order))


def _order(finding: LintFinding) -> tuple[str, int, str, str, str, str]:
    line = finding.line or 0
    return finding.path, line, finding.code, finding.stanza or "", finding.key or "", finding.message
