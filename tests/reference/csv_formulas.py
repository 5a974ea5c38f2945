"""The way back from a guarded CSV, as `docs/data.md` says it: for whoever reads one."""

from app.kernel.tabular.csv_style import GUARD, guarded


def unguarded(cell: str) -> str:
    """The text that the cell was made of."""
    without = cell.removeprefix(GUARD)
    return without if guarded(without) == cell else cell
