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
HTTP_METHODS = (".get", ".post", ".put", ".patch", ".delete")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_HANDLER_LINES = 12
BANNED_IMPORTS = {"BaseHTTPMiddleware"}


def faults(root: Path) -> Iterator[str]:
    """Every breach below the directory."""
    commits: list[str] = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        name = path.relative_to(root)
        lines = text.count("\n")
        if lines > MAX_FILE_LINES and "house: long file" not in text:
            yield f"{name}: {lines} lines; more than {MAX_FILE_LINES}"
        yield from _sql(name, tree)
        yield from _functions(name, tree, text.splitlines())
        yield from _imports(name, tree)
        commits += [f"{name}:{node.lineno}" for node in ast.walk(tree) if _is_method(node, "commit")]
    if len(commits) != 1:
        yield f"`.commit(` stands {len(commits)} times: {', '.join(commits)}"


def _is_method(node: ast.AST, method: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method


def _sql(name: Path, tree: ast.Module) -> Iterator[str]:
    if name.parts[0] in SQL_PLANES or name.name.endswith(SQL_HOMES):
        return
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SQL_CALLS & imported:
            yield f"{name}:{node.lineno}: {node.func.id}( outside a repository"
        if _is_method(node, "execute") and isinstance(node, ast.Call) and "session" in ast.unparse(node.func):
            yield f"{name}:{node.lineno}: session.execute outside a repository"


def _functions(name: Path, tree: ast.Module, source: list[str]) -> Iterator[str]:
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
            if body_lines > MAX_HANDLER_LINES:
                yield f"{name}:{node.lineno}: handler {node.name} has {body_lines} lines; more than {MAX_HANDLER_LINES}"


def _imports(name: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in BANNED_IMPORTS or alias.name == "TYPE_CHECKING":
                    yield f"{name}:{node.lineno}: {alias.name} is banned"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
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
