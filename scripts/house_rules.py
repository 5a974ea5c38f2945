#!/usr/bin/env python3
"""Rules of the house that no linter knows: where SQL stands, where the commit stands, how long files and functions are.

usage: house_rules.py [APP_DIRECTORY]      exit 1 and one line per fault
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SQL_HOMES = ("repository.py",)
"""Files where control tables are queried; the kernel and the warehouse have SQL as their matter."""
SQL_PLANES = ("kernel", "warehouse")
SQL_CALLS = {"select", "insert", "update", "delete"}
SESSION_CALLS = {"execute", "scalar", "scalars", "stream", "stream_scalars"}
HTTP_METHODS = (".get", ".post", ".put", ".patch", ".delete")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_HANDLER_LINES = 12
USUAL_HANDLER_LINES = 8
"""Nine of ten handlers are no longer."""
FEW_HANDLERS = 20
"""Among fewer, one handler is more than one in ten."""
MAX_FILES = 20
"""In one folder, the package's own file counted: more are not found by looking."""
PRIVATE_TO_A_DOMAIN = ("models", "repository")
"""Modules that no other domain imports: a domain is reached through its service and its pure modules."""
BANNED = {"BaseHTTPMiddleware", "TYPE_CHECKING"}
"""The one leaks connections on aborted streams, the other hides import cycles."""
IMPORTS_LATE = {Path("cli.py"), Path("cli_database.py")}
"""The modules whose functions import: a command pays for what it uses (docs/decisions/0026)."""


def faults(root: Path) -> Iterator[str]:
    """Every breach below the directory."""
    commits: list[str] = []
    handlers: list[int] = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        name = path.relative_to(root)
        lines = text.count("\n")
        if lines > MAX_FILE_LINES and "house: long file" not in text:
            yield f"{name}: {lines} lines; more than {MAX_FILE_LINES}"
        yield from _sql(name, tree)
        yield from _functions(name, tree, text.splitlines(), handlers)
        yield from _imports(name, tree)
        yield from _private_parts(root, path, tree)
        commits += [f"{name}:{node.lineno}" for node in ast.walk(tree) if _is_method(node, "commit")]
    yield from _full_folders(root)
    if len(handlers) >= FEW_HANDLERS and sorted(handlers)[len(handlers) * 9 // 10] > USUAL_HANDLER_LINES:
        yield f"more than one handler in ten has over {USUAL_HANDLER_LINES} lines"
    if len(commits) != 1:
        yield f"`.commit(` stands {len(commits)} times: {', '.join(commits)}"


def _is_method(node: ast.AST, method: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method


def _sql(name: Path, tree: ast.Module) -> Iterator[str]:
    at_home = any(home in name.parts for home in SQL_HOMES) or name.name.endswith("_repository.py")
    if name.parts[0] in SQL_PLANES or at_home:
        return
    constructors, libraries = _sqlalchemy_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        owner, _, method = called.rpartition(".")
        if called in constructors or (owner in libraries and method in SQL_CALLS):
            yield f"{name}:{node.lineno}: {called}( outside a repository"
        elif method in SESSION_CALLS and owner.rpartition(".")[2].endswith("session"):
            yield f"{name}:{node.lineno}: session.{method} outside a repository"


def _sqlalchemy_names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """What the constructors of statements and the library itself are called in this module."""
    constructors, libraries = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            constructors |= {alias.asname or alias.name for alias in node.names if alias.name in SQL_CALLS}
        elif isinstance(node, ast.Import):
            libraries |= {a.asname or a.name for a in node.names if a.name.partition(".")[0] == "sqlalchemy"}
    return constructors, libraries


def _full_folders(root: Path) -> Iterator[str]:
    for folder in sorted({path.parent for path in root.rglob("*.py")}):
        files = len(list(folder.glob("*.py")))
        if files > MAX_FILES:
            yield f"{folder.relative_to(root)}: {files} files; more than {MAX_FILES}"


def _domain_of(path: Path, root: Path) -> Path | None:
    """The nearest folder above that holds a `domain.py`; None for shared modules and for the kernel."""
    return next((folder for folder in path.parents if folder != root and (folder / "domain.py").exists()), None)


def _private_parts(root: Path, path: Path, tree: ast.Module) -> Iterator[str]:
    """Imports of another domain's models or repositories.

    `domain.py` names the models of its own plane. A domain that stands in another one's folder is a part of that one.
    """
    if path.relative_to(root).parts[0] in {"kernel", "wiring.py"}:
        return
    mine = _domain_of(path, root)
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("app."):
            continue
        for module in [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]:
            imported = root.joinpath(*module.split(".")[1:]).with_suffix(".py")
            last = imported.stem.rpartition("_")[2]
            if last not in PRIVATE_TO_A_DOMAIN or not imported.exists() or imported.parts[len(root.parts)] == "kernel":
                continue
            owner = _domain_of(imported, root)
            if owner is not None and owner != mine and (mine is None or owner not in mine.parents):
                yield f"{path.relative_to(root)}:{node.lineno}: {module} belongs to another domain"


def _functions(name: Path, tree: ast.Module, source: list[str], handlers: list[int]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        excused = "house: long function" in "\n".join(source[node.lineno - 1 : node.end_lineno])
        if length > MAX_FUNCTION_LINES and not excused:
            yield f"{name}:{node.lineno}: {node.name} has {length} lines; more than {MAX_FUNCTION_LINES}"
        decorators = [ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list]
        handler = any(decorator.endswith(HTTP_METHODS) for decorator in decorators)
        body = node.body[1:] if ast.get_docstring(node) else node.body
        if handler and body:
            body_lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
            handlers.append(body_lines)
            if body_lines > MAX_HANDLER_LINES:
                yield f"{name}:{node.lineno}: handler {node.name} has {body_lines} lines; more than {MAX_HANDLER_LINES}"


def _imports(name: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in BANNED:
                    yield f"{name}:{node.lineno}: {alias.name} is banned"
        elif isinstance(node, ast.Attribute) and node.attr in BANNED:
            yield f"{name}:{node.lineno}: {node.attr} is banned"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _around(name, node)


def _around(name: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if _is_method(decorator, "middleware"):
            yield f"{name}:{decorator.lineno}: middleware by decorator is banned"
    for inner in ast.walk(function) if name not in IMPORTS_LATE else ():
        if isinstance(inner, ast.Import | ast.ImportFrom):
            yield f"{name}:{inner.lineno}: an import inside a function"


def main() -> int:
    """Print every fault; 1 when there is one."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "app"
    found = list(faults(root))
    print("\n".join(found) or "The house rules hold.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
