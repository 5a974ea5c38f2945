"""What documents say of the repository is so: paths that they name, documents that anything cites, the reference."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACES = ("alembic", "app", "benchmarks", "deploy", "docs", "scripts", "tests")
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(PLACES)})/[\w/-][\w./-]*")
LINK = re.compile(r"\]\(([^)#\s]+)")
CITED = re.compile(r"(?<![\w./-])[\w./-]*\.md\b")
PRIVATE = re.compile(r"(?<![\w./-])(?:shared|spec)/(?=[\w])")
"""Folders of documents that are kept elsewhere."""
READ = {".py", ".md", ".txt", ".toml", ".yml", ".yaml", ".json", ".ini", ".sh", ".mako", ""}


def named_paths(text: str) -> set[str]:
    """The paths of the repository that a text names; `<…>` stands for names that a reader chooses."""
    return {found.rstrip(".") for found in PATH.findall(text)}


def sources(*places: str) -> Iterator[Path]:
    for place in places:
        start = ROOT / place
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            if path.is_file() and path.suffix in READ and "__pycache__" not in path.parts and path != Path(__file__):
                yield path


def unknown_documents(text: str, folder: Path, names: set[str]) -> set[str]:
    """What a text cites and nobody finds: not beside it, not from the root, not by its name. `/x.md` is an address."""
    cited = {found for found in CITED.findall(text) if found != ".md" and not found.startswith("/")}
    lost = {
        each
        for each in cited
        if not (folder / each).exists() and not (ROOT / each).exists() and not ("/" not in each and each in names)
    }
    return lost | set(PRIVATE.findall(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {path for path in named_paths(text) if not (ROOT / path).exists()} == set()
    links = {link for link in LINK.findall(text) if "://" not in link and not link.startswith(("/", "mailto:"))}
    assert {link for link in links if not (page.parent / link).exists()} == set()


@pytest.mark.parametrize("place", [*PLACES, "README.md", "Makefile", "pyproject.toml", "docker-compose.yml", ".ci"])
def test_nothing_cites_a_document_that_is_not_here(place: str) -> None:
    names = {page.name for page in PAGES}
    lost = {
        str(path.relative_to(ROOT)): found
        for path in sources(place)
        if (found := unknown_documents(path.read_text(encoding="utf-8"), path.parent, names))
    }
    assert lost == {}


def test_what_is_missing_is_found() -> None:
    names = {"terms.md"}
    assert named_paths("See `app/no/such.py`, `app/<domain>/x.py` and tests/test_docs.py.") == {
        "app/no/such.py",
        "tests/test_docs.py",
    }
    assert unknown_documents("terms.md says it, docs/terms.md too.", ROOT, names) == set()
    assert unknown_documents("plan.md, docs/plan.md", ROOT, names) == {"plan.md", "docs/plan.md"}
    assert unknown_documents("as shared/notes has it", ROOT, names) == {"shared/"}


def test_the_reference_says_what_the_code_has() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "reference_docs.py"))
    assert script["page"]() == script["PAGE"].read_text(encoding="utf-8"), "run scripts/reference_docs.py"


def test_the_page_of_tables_says_what_the_models_have() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "models_docs.py"))
    text = script["PAGE"].read_text(encoding="utf-8")
    assert script["page"]() == text, "run scripts/models_docs.py"
    assert text.count("```mermaid\nerDiagram\n") == text.count("\n## Plane ") >= 8


DIAGRAM_LINE = re.compile(
    r"    (?:[a-z_]+ \{|\}|[a-z_]+ [|}][|o]--[|o][|{] [a-z_]+ : \"[a-z_, ]+\")"
    r"|        [a-z][a-z0-9_()\[\]-]* \w+(?: PK| FK| PK, FK)?"
)
"""Of an entity-relationship diagram, as far as Mermaid's grammar goes and the page uses it."""


def test_diagrams_are_in_the_grammar_of_mermaid() -> None:
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    diagrams = re.findall(r"^```mermaid\nerDiagram\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    lines = [line for diagram in diagrams for line in diagram.splitlines()]
    assert len(lines) > 500
    assert [line for line in lines if not DIAGRAM_LINE.fullmatch(line)] == []


@pytest.mark.parametrize(
    "known",
    ["| `table:promote` |", "| `overloaded` |", "| 404 | `batch-not-found` |", "| `decisions` |", "| `exports:make` |",
     "| `batch:failed` |", "| `audit_log` |", "| `raw_batches` |", "| `query.max-cost` |", "| `cross-join` |",
     "| `unknown-table` |", "| `flags:evaluate` |"],
)  # fmt: skip  # many to a line
def test_no_section_of_the_reference_has_dried_up(known: str) -> None:
    assert known in (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
