#!/usr/bin/env python3
"""Makes docs/reference.md from the code: what can an action, a problem, a job, an event or a key be?

usage: reference_docs.py [--check]      --check: exit 1 when the page is not as it would be written

Everything is imported and nothing is started: no database is needed, and the environment's settings do not count.
"""

import ast
import importlib
import os
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SURROUNDINGS = ("PATH", "HOME", "TMPDIR", "LANG")
"""What of the environment may count; settings would change defaults that the page states."""
for _name in set(os.environ) - set(SURROUNDINGS):
    del os.environ[_name]

import app  # noqa: E402 - found by the line above
from app.access.roles import MATRIX  # noqa: E402
from app.audit.log.actions import ACTION_PATTERN  # noqa: E402
from app.kernel.problems import Problem, Unavailable  # noqa: E402
from app.kernel.security.authorization import Permission  # noqa: E402
from app.registry import DOMAINS  # noqa: E402
from app.settings import Settings  # noqa: E402
from app.wiring import background_intervals  # noqa: E402

PAGE = ROOT / "docs" / "reference.md"
RULE = re.compile(r"[a-z]+(-[a-z0-9]+)*")
"""Form of the guard's rule codes."""

HEAD = """\
# What there is

Made from the code by `scripts/reference_docs.py`: change the code, not this page. A test fails when the page is not as
the script would write it.

[Audit actions](#audit-actions) · [Why 503](#why-503) · [Problems](#problems) · [Background tasks](#background-tasks) ·
[Jobs](#jobs) · [Event kinds](#event-kinds) · [Export sources](#export-sources) ·
[Retention categories](#retention-categories) · [Configuration keys](#configuration-keys) ·
[Where a join is refused](#where-a-join-is-refused) · [What else the guard refuses](#what-else-the-guard-refuses) ·
[Permissions](#permissions)
"""


UNAVAILABLE_LEAD = """\
What may pass by itself; `Retry-After` says when to ask again. `/health` and `/health/ready` answer 503 with their own
document while the process cannot serve or is to end."""

JOBS_LEAD = """\
What workers do, when it is asked for or by the clock. `GET /system/jobs` shows those there are. Who cancels a job needs
the permission named here too, where something stands for the job that ends with it."""


class Refusal(NamedTuple):
    """One place in the code where something is refused."""

    file: str
    code: str
    text: str


def modules() -> list[str]:
    """The names of all modules of the service, every one imported."""
    names = ["app", *(found.name for found in pkgutil.walk_packages(app.__path__, "app."))]
    for name in names:
        importlib.import_module(name)
    return names


def file_of(module: str) -> str:
    """The path of a module of the service, in backticks."""
    source = Path(str(sys.modules[module].__file__)).relative_to(ROOT)
    return f"`{source.as_posix()}`"


def table(head: str, rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    names = head.split(" | ")
    lines = [f"| {head} |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def first_sentence(thing: object) -> str:
    """The first line of a docstring."""
    return str(getattr(thing, "__doc__", None) or "").strip().partition("\n")[0]


def subclasses(kind: type) -> Iterator[type[Any]]:
    """All classes below, within the service."""
    for below in kind.__subclasses__():
        if below.__module__.startswith("app."):
            yield below
        yield from subclasses(below)


def actions() -> str:
    """Every audit action with the domain that has it."""
    domain_of = {enum: domain.name for domain in DOMAINS for enum in domain.actions}
    enums = [
        enum
        for enum in subclasses(StrEnum)
        if enum in domain_of
        or (enum.__name__.endswith("Action") and all(re.match(ACTION_PATTERN, str(action)) for action in enum))
    ]
    rows = [(f"`{action}`", domain_of.get(enum, ""), file_of(enum.__module__)) for enum in enums for action in enum]
    return table("action | domain | file", sorted(rows))


def problems() -> list[type[Problem]]:
    """Every problem of the service, by status and code."""
    found = {kind for kind in subclasses(Problem) if "code" in vars(kind)}
    return sorted(found, key=lambda kind: (kind.status, kind.code, kind.__module__))


def raised_as_they_are(names: Iterable[str]) -> Iterator[Refusal]:
    """Where `Unavailable` itself is made, which has no subclass to name the cause."""
    for module in names:
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Unavailable":
                text = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
                yield Refusal(file_of(module), "unavailable", str(text))


def unavailable(names: Iterable[str]) -> str:
    """Every cause of a 503."""
    kinds = [kind for kind in problems() if kind.status == Unavailable.status and kind.code != "unavailable"]
    rows = [Refusal(file_of(kind.__module__), kind.code, first_sentence(kind)) for kind in kinds]
    rows += raised_as_they_are(names)
    return table("code | cause | file", sorted({(f"`{row.code}`", row.text, row.file) for row in rows}))


def all_problems() -> str:
    """Every problem code with its status."""
    rows = [(kind.status, f"`{kind.code}`", first_sentence(kind), file_of(kind.__module__)) for kind in problems()]
    return table("status | code | when | file", rows)


def background() -> str:
    """Every loop beside requests and jobs."""
    every = background_intervals(Settings())
    where = {
        loop: (domain.name, ", ".join(["API"] * task.in_api + ["worker"] * task.in_worker))
        for domain in DOMAINS
        for task in domain.background
        for loop in task.loops()
    }
    rows = [
        (f"`{name}`", *where.get(name, ("kernel", "worker")), f"{seconds:g} s" if seconds else "waits for its work")
        for name, seconds in sorted(every.items())
    ]
    return table("loop | domain | in | every", rows)


def jobs() -> str:
    """Every job with its schedule."""
    crons = {schedule.job: schedule.cron for domain in DOMAINS for schedule in domain.schedules}
    rows = [
        (
            f"`{job.name}`",
            domain.name,
            f"`{crons[job.name]}` UTC" if job.name in crons else "when it is asked for",
            job.max_starts,
            job.timeout,
            f"`{job.record.permission.value}`" if job.record else "",
            file_of(job.handler.__module__),
        )
        for domain in DOMAINS
        for job in domain.jobs(Settings())
    ]
    return table("job | domain | runs | starts at most | longest run | to cancel it, also | file", sorted(rows))


def events() -> str:
    """Every kind of event."""
    rows = [(f"`{kind.name}`", kind.description, domain.name) for domain in DOMAINS for kind in domain.event_kinds]
    return table("kind | when | domain", sorted(rows))


def exports() -> str:
    """Every source of exports."""
    rows = [
        (
            f"`{source.name}`",
            f"`{source.permission.value}`",
            ", ".join(sorted(str(form) for form in source.formats)),
            ", ".join(f"`{name}`" for name in source.params.model_fields),
            file_of(type(source).__module__),
        )
        for domain in DOMAINS
        for source in domain.export_sources
    ]
    return table("`job_type` | permission beside `exports:run` | formats | `filter_params` | file", sorted(rows))


def retention() -> str:
    """Every category of what is kept for a limited time, in the order of a sweep."""
    rows = [
        (
            f"`{target.category}`",
            target.description,
            f"{target.default.days_to_keep} days, {'on' if target.default.enabled else 'off'}",
            "yes" if target.archives else "",
            domain.name,
        )
        for domain in DOMAINS
        for target in domain.retention_targets(Settings())
    ]
    return table("category | what, and when it is old | default | archived before | domain", rows)


def configuration() -> str:
    """Every key that an admin may decide while the service runs."""
    settings = Settings()
    rows = [
        (f"`{key.name}`", key.description, "secret" if key.secret else f"`{key.default(settings)}`", domain.name)
        for domain in DOMAINS
        for key in domain.config_keys
    ]
    return table("key | what it does | default | domain", sorted(rows))


def guard_rules(names: Iterable[str]) -> list[Refusal]:
    """Every place of the guard that refuses: calls of `GuardRefusal` and rows of tables, by their rule codes."""
    found: set[Refusal] = set()
    for module in names:
        if not module.startswith("app.query."):
            continue
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "GuardRefusal":
                parts = node.args
            elif isinstance(node, ast.Tuple):
                parts = node.elts
            else:
                continue
            code, text = (_text(part) for part in [*parts, ast.Constant(""), ast.Constant("")][:2])
            sure = isinstance(node, ast.Call) or "-" in code
            if sure and RULE.fullmatch(code) and " " in text and text.endswith("."):
                found.add(Refusal(file_of(module), code, text))
    return sorted(found, key=lambda refusal: (refusal.code, refusal.file, refusal.text))


def _text(node: ast.expr) -> str:
    """The text of a literal, with `…` for what it takes from the statement; empty for all else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _tree(module: str) -> ast.Module:
    return ast.parse(Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8"))


def refusals(rules: Iterable[Refusal]) -> str:
    """A table of the guard's refusals."""
    return table("rule | message | file", ((f"`{rule.code}`", rule.text, rule.file) for rule in rules))


def permissions() -> str:
    """Every permission with the roles that have it."""
    rows = [
        (f"`{permission}`", ", ".join(role for role, held in MATRIX.items() if permission in held))
        for permission in Permission
    ]
    return table("permission | roles", rows)


def page() -> str:
    """The page."""
    names = modules()
    rules = guard_rules(names)
    joins = [rule for rule in rules if "join" in rule.code or "join" in rule.text]
    sections = {
        "Audit actions": ("What the audit log calls a change.", actions()),
        "Why 503": (UNAVAILABLE_LEAD, unavailable(names)),
        "Problems": ("Every code that an `application/problem+json` answer may have, with its class.", all_problems()),
        "Background tasks": ("Loops that go on beside requests and jobs.", background()),
        "Jobs": (JOBS_LEAD, jobs()),
        "Event kinds": ("What notification channels choose from.", events()),
        "Export sources": ("What can be exported.", exports()),
        "Retention categories": ("What is kept for a limited time, in the order in which a sweep goes.", retention()),
        "Configuration keys": ("What an admin may decide while the service runs.", configuration()),
        "Where a join is refused": ("Rules of the guard, by the code in `guardrails`.", refusals(joins)),
        "What else the guard refuses": ("", refusals(rule for rule in rules if rule not in joins)),
        "Permissions": (
            "Which role has which; [authorization.md](authorization.md) says what is answered.",
            permissions(),
        ),
    }
    parts = [f"\n## {title}\n\n{lead}{chr(10) * 2 if lead else ''}{body}" for title, (lead, body) in sections.items()]
    return HEAD + "".join(parts)


def main() -> int:
    """Write the page, or say that it is not as it would be written."""
    text = page()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return 1 if "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
