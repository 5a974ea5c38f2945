"""Which failures say that nothing can be written, and for how long that is said."""

import pytest

from app.kernel.write_failures import REMEMBERED_SECONDS, UNWRITABLE, WriteFailures
from app.operations.metrics.metric_samples import SAMPLE_SECONDS


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("53100", "database: the disk is full"),
        ("58030", "database: the disk fails"),
        ("25006", "database: the server takes no writes"),
        ("53300", None),  # too many connections: of reads too, and soon over
        ("53400", None),  # a limit of the configuration
        ("40001", None),
        ("23505", None),
        ("22003", None),
        (None, None),
    ],
)
def test_what_says_that_nothing_can_be_written(state: str | None, said: str | None) -> None:
    failures = WriteFailures("database")
    failures.note_state(state)
    assert failures.recent() == said
    assert (state in UNWRITABLE) is (said is not None)


def test_a_failure_is_remembered_until_the_next_one_would_have_come() -> None:
    now = [1000.0]
    failures = WriteFailures("object storage", lambda: now[0])
    assert failures.recent() is None
    failures.note("it cannot be written to")
    for later, remembered in ((0.0, True), (REMEMBERED_SECONDS - 0.1, True), (REMEMBERED_SECONDS, False)):
        now[0] = 1000.0 + later
        assert (failures.recent() is not None) is remembered
    failures.note_state("53100")
    assert failures.recent() == "object storage: the disk is full"
    assert REMEMBERED_SECONDS > SAMPLE_SECONDS, "every process writes at least that often"
