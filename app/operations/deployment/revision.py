"""Which revision of the code runs: named by the environment, or read from the checkout that it runs from."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]


def revision_of(root: Path = ROOT) -> str | None:
    """The commit that is checked out here; None where this is no checkout. Runs no program."""
    try:
        git = root / ".git"
        if git.is_file():  # a worktree: the file names its own part of the repository
            git = (root / git.read_text().removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        return _reference((git / common.read_text().strip()).resolve() if common.exists() else git, name)
    except OSError:
        return None


def _reference(git: Path, name: str) -> str | None:
    loose = git / name
    if loose.exists():
        return loose.read_text().strip()
    for line in (git / "packed-refs").read_text().splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name:
            return commit
    return None
