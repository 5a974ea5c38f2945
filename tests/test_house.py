"""The house keeps its rules, and each check can fail."""

import ast
import re
import runpy
from graphlib import TopologicalSorter
from pathlib import Path

import asyncpg
import grimp
import pytest
from hypothesis import settings
from sqlalchemy.orm import configure_mappers

from app.kernel.db.models import CONTROL_SCHEMA, Base
from app.registry import DOMAINS
from app.wiring import metadata

ROOT = Path(__file__).resolve().parents[1]
RULES = runpy.run_path(str(ROOT / "scripts" / "house_rules.py"))
COMMIT = "async def edge(session):\n    await session.commit()\n"

BAD = {
    "two commits": ({"other.py": COMMIT}, "`.commit(` stands 2 times"),
    "select in a service": ({"shop/service.py": "from sqlalchemy import select\nx = select(1)\n"}, "select( outside"),
    "select by another name": ({"shop/service.py": "from sqlalchemy import select as s\nx = s(1)\n"}, "s( outside"),
    "a module's select": ({"shop/service.py": "import sqlalchemy as sa\nx = sa.select(1)\n"}, "sa.select( outside"),
    "session.execute": ({"shop/router.py": "async def f(session):\n    await session.execute(1)\n"}, "session.execute"),
    "its session": ({"shop/x.py": "async def f(self):\n    await self._session.scalars(1)\n"}, "session.scalars"),
    "a long file": ({"shop/x.py": "x = 1\n" * 401}, "401 lines"),
    "a long function": ({"shop/x.py": "def f():\n" + "    x = 1\n" * 60}, "f has 61 lines"),
    "a long handler": (
        {"shop/router.py": "@router.get('/')\nasync def f():\n    '''Doc.'''\n" + "    x = 1\n" * 13},
        "handler f has 13 lines",
    ),
    "a full folder": ({f"shop/x{number}.py": "x = 1\n" for number in range(21)}, "shop: 21 files"),
    "models of another domain": (
        {
            "shop/domain.py": "",
            "shop/models.py": "",
            "till/domain.py": "",
            "till/x.py": "from app.shop.models import A\n",
        },
        "app.shop.models belongs to another domain",
    ),
    "a repository of another domain": (
        {"shop/domain.py": "", "shop/a_repository.py": "", "till/x.py": "from app.shop import a_repository\n"},
        "app.shop.a_repository belongs to another domain",
    ),
    "banned middleware": ({"x.py": "from starlette.middleware.base import BaseHTTPMiddleware\n"}, "is banned"),
    "middleware by decorator": ({"x.py": "@app.middleware('http')\nasync def f(): ...\n"}, "is banned"),
    "TYPE_CHECKING": ({"x.py": "from typing import TYPE_CHECKING\n"}, "is banned"),
    "TYPE_CHECKING of a module": ({"x.py": "import typing\nif typing.TYPE_CHECKING:\n    pass\n"}, "is banned"),
    "an import inside": ({"x.py": "def f():\n    import os\n"}, "import inside a function"),
    "a method's import": (
        {"x.py": "class A:\n    def f(self):\n        from os import path\n"},
        "import inside a function",
    ),
    "an import inside another command line": ({"shop/cli.py": "def f():\n    import os\n"}, "import inside a function"),
}


def faults(root: Path) -> list[str]:
    """What the house rules find below a directory."""
    return list(RULES["faults"](root))


def house(root: Path, files: dict[str, str]) -> None:
    for name, text in {"kernel/db/database.py": COMMIT, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_the_rules_hold() -> None:
    assert faults(ROOT / "app") == []


@pytest.mark.parametrize("name", BAD)
def test_the_rules_find_what_is_wrong(name: str, tmp_path: Path) -> None:
    files, expected = BAD[name]
    house(tmp_path, files)
    (found,) = faults(tmp_path)
    assert expected in found


def test_the_rules_let_the_rest_be(tmp_path: Path) -> None:
    house(
        tmp_path,
        {
            "cli.py": "def f():\n    import os\n",
            "shop/repository.py": "from sqlalchemy import select\nx = select(1)\n",
            "warehouse/merge.py": "async def f(session):\n    await session.execute(1)\n",
            "shop/service.py": "def f(tree):\n    return tree.select(1), tree.update({})\n",
            "shop/router.py": "@router.get('/')\nasync def f():\n    '''Doc.'''\n" + "    x = 1\n" * 12,
        },
    )
    assert faults(tmp_path) == []


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = grimp.build_graph("app", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for inner in imports[module]:
                walk(inner, (*path, module))
            done.add(module)

    for module in sorted(graph.modules):
        walk(module, ())
    assert len(done) > 100


def test_no_folder_imports_itself_by_a_detour() -> None:
    """A folder is the modules that stand in it directly; those of `app` itself count one by one."""
    graph = grimp.build_graph("app", cache_dir=None)

    def folder(module: str) -> str:
        file = ROOT.joinpath(*module.split("."))
        package = module if file.is_dir() else module.rpartition(".")[0]
        return module if package == "app" else package

    order: TopologicalSorter[str] = TopologicalSorter()
    for module in graph.modules:
        inner = {folder(each) for each in graph.find_modules_directly_imported_by(module)}
        order.add(folder(module), *(inner - {folder(module)}))
    folders = list(order.static_order())  # raises CycleError with the cycle
    assert len(folders) > 40


def test_every_relationship_refuses_to_load_lazily() -> None:
    assert metadata() is Base.metadata
    configure_mappers()
    lazy = [
        str(relation)
        for mapper in Base.registry.mappers
        for relation in mapper.relationships
        if relation.lazy != "raise"
    ]
    assert lazy == []


def test_domains_name_every_table_once() -> None:
    named = [model.__table__ for domain in DOMAINS for model in domain.models]
    assert len(named) == len(set(named))
    assert set(named) == set(metadata().tables.values())


def test_every_domain_has_a_name_of_its_own() -> None:
    names = [domain.name for domain in DOMAINS]
    assert len(names) == len(set(names))
    listed = {path.parent for path in (ROOT / "app").rglob("domain.py")} - {ROOT / "app" / "kernel" / "domains"}
    assert len(listed) == len(names) - 1, "each domain.py is in the registry, beside the kernel's"


def test_every_table_is_in_the_control_schema_with_a_key_and_a_comment_on_every_column() -> None:
    tables = metadata().sorted_tables
    assert len(tables) >= 15
    for table in tables:
        assert table.schema == CONTROL_SCHEMA
        assert len(table.primary_key.columns) >= 1, table.name
        assert [column.name for column in table.columns if not column.comment] == [], table.name
        assert all(constraint.name for constraint in table.constraints), table.name


async def test_the_database_says_the_same(owner: asyncpg.Connection) -> None:
    silent = await owner.fetch(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'spyne'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped "
        "AND c.relname <> 'alembic_version' AND col_description(c.oid, a.attnum) IS NULL"
    )
    assert [tuple(row) for row in silent] == []
    unindexed = await owner.fetch(
        "SELECT conrelid::regclass, conname FROM pg_constraint k WHERE contype = 'f' "
        "AND connamespace = 'spyne'::regnamespace AND confdeltype = 'c' AND NOT EXISTS (SELECT 1 FROM pg_index i "
        "WHERE i.indrelid = k.conrelid AND (i.indkey::int2[])[0:array_length(k.conkey, 1) - 1] @> k.conkey)"
    )
    assert [tuple(row) for row in unindexed] == [], "a cascade without an index reads the whole table"


LONG_SECONDS = 0.5
MAY_SLEEP = {
    "addons/requests/test_kills.py": "workers are killed at any moment of their work",
    "ingestion/runs/test_crashes.py": "kills at random moments",
    "ingestion/test_http_concurrency.py": "obeys Retry-After",
    "operations/exports/test_kills.py": "kills at random moments",
    "operations/notifications/test_crashes.py": "spreads its load, and stops a worker for longer than a lease",
    "operations/retention/test_interruptions.py": "kills at random moments",
}
"""Files that sleep for a time, and what for. All others wait for the thing: `tests.waiting.eventually`."""


def modules(folder: Path) -> dict[str, ast.Module]:
    """The syntax trees of the Python files below a folder, by path."""
    return {str(path.relative_to(folder)): ast.parse(path.read_text()) for path in sorted(folder.rglob("*.py"))}


def largest(expression: ast.AST, names: dict[str, float]) -> float:
    """The largest number that is written in an expression, or stands for a name in it."""
    found = [names.get(node.id, 0.0) for node in ast.walk(expression) if isinstance(node, ast.Name)]
    found += [node.value for node in ast.walk(expression) if isinstance(node, ast.Constant)
              if isinstance(node.value, int | float)]  # fmt: skip
    return max(found, default=0.0)


def long_sleeps(trees: dict[str, ast.Module]) -> dict[str, list[int]]:
    """Path to lines of calls that sleep for half a second or more, by a number, a named one, or PostgreSQL's clock."""
    names: dict[str, float] = {}
    for tree in trees.values():
        for line in tree.body:
            if isinstance(line, ast.Assign) and isinstance(target := line.targets[0], ast.Name):
                names[target.id] = max(names.get(target.id, 0.0), largest(line.value, names))
    found: dict[str, list[int]] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _sleeps_long(node, names):
                found.setdefault(path, []).append(node.lineno)
    return found


def _sleeps_long(call: ast.Call, names: dict[str, float]) -> bool:
    if getattr(call.func, "attr", getattr(call.func, "id", "")) == "sleep":
        return largest(call.args[0], names) >= LONG_SECONDS
    if not isinstance(call.args[0], ast.Constant):
        return False
    slept = re.match(r"SELECT pg_sleep\(([\d.]+)\)", str(call.args[0].value))
    return slept is not None and float(slept[1]) >= LONG_SECONDS


def test_tests_wait_for_the_thing_and_not_for_a_time() -> None:
    found = long_sleeps(modules(ROOT / "tests"))
    assert {path: lines for path, lines in found.items() if path not in MAY_SLEEP} == {}
    assert found.keys() == MAY_SLEEP.keys(), "who sleeps no more needs no leave"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("await asyncio.sleep(0.5)", [1]),
        ("await asyncio.sleep(0.4)", []),
        ("time.sleep(1)", [1]),
        ("sleep(2)", [1]),
        ("PAUSE = 0.7\ntime.sleep(PAUSE)", [2]),
        ("PAUSE = 0.3\ntime.sleep(PAUSE)", []),
        ("LEASE = 1.0\nPAUSE = LEASE + 0.1\ntime.sleep(PAUSE)", [3]),
        ("time.sleep(max(0.0, 0.6 - spent))", [1]),
        ("time.sleep(chance.uniform(0, 0.6))", [1]),
        ("await owner.execute('SELECT pg_sleep(2)')", [1]),
        ("await owner.execute('SELECT pg_sleep(0.02)')", []),
        ("await asyncio.Event().wait()", []),
    ],
)
def test_a_long_sleep_is_found(text: str, lines: list[int]) -> None:
    assert long_sleeps({"test_x.py": ast.parse(text)}).get("test_x.py", []) == lines


OF_ALL_ROOMS = {"authorization", "deploy", "operations_catalogue", "reference"}
"""Folders of tests which are about no room of `app/` alone."""


def test_tests_stand_where_the_room_stands_that_they_test() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("*.py")}
    assert [str(path) for path in folders if path.parts[:1] and path.parts[0] not in OF_ALL_ROOMS
            and not (ROOT / "app" / path).is_dir()] == []  # fmt: skip


def test_no_property_has_a_deadline() -> None:
    """The profile of `tests/conftest.py` says so for all; nobody sets one beside it."""
    assert settings().deadline is None
    own = [
        f"{path}:{node.lineno}"
        for path, tree in modules(ROOT / "tests").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "settings"
        if any(keyword.arg == "deadline" for keyword in node.keywords)
    ]
    assert own == []
