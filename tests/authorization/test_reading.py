"""The matrix can be read, and what is wrong with it is found; the page made from it is up to date."""

import runpy
from pathlib import Path

import pytest

from tests.authorization.matrix import PATH, FaultyMatrixError, read

ROOT = Path(__file__).resolve().parents[2]
HEAD = next(line for line in PATH.read_text().splitlines() if line.startswith("operation "))
SOUND = "GET /a | - | - | 401 | 200 | 200 | 200 | 200 | 403 | 403 | 403"

FAULTY = {
    "a cell too few": SOUND.removesuffix(" | 403"),
    "a cell too many": SOUND + " | 403",
    "an unknown answer": SOUND.replace("401", "yes"),
    "an unknown mode": SOUND.replace("- | 401", "sometimes | 401"),
    "no method": SOUND.replace("GET /a", "/a"),
    "the same twice": f"{SOUND}\n{SOUND}",
    "a state twice": f"{SOUND.replace('| - | -', '| own | -')}\n{SOUND.replace('| - | -', '| another, own | -')}",
    "closed in different modes": f"{SOUND}\n{SOUND.replace('| - | -', '| own | both')}",
}


@pytest.mark.parametrize("name", FAULTY)
def test_faults_are_found(name: str, tmp_path: Path) -> None:
    file = tmp_path / "matrix.txt"
    file.write_text(f"{HEAD}\n{SOUND.replace('/a', '/b')}\n")
    assert len(read(file)) == 1
    file.write_text(f"{HEAD}\n{FAULTY[name]}\n")
    with pytest.raises(FaultyMatrixError):
        read(file)


def test_columns_have_their_order(tmp_path: Path) -> None:
    file = tmp_path / "matrix.txt"
    file.write_text(HEAD.replace("VIEWER ", "ADMIN  ", 1) + f"\n{SOUND}\n")
    with pytest.raises(FaultyMatrixError):
        read(file)


def test_the_page_says_what_the_matrix_says() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "authorization_docs.py"))
    text = script["PATH"].read_text(encoding="utf-8")
    told = script["PAGE"].read_text(encoding="utf-8")
    assert (script["aligned"](text), script["page"](read())) == (text, told), "run scripts/authorization_docs.py"
