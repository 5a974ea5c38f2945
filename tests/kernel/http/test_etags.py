"""Preconditions by ETag."""

import pytest
from fastapi import Response

from app.kernel.http.etags import check_if_match, etag, set_etag
from app.kernel.problems import PreconditionFailed


def test_an_etag_is_quoted_and_names_its_parts() -> None:
    assert etag(3) == '"3"'
    assert etag("customers", 2) == '"customers-2"'
    assert etag(1, 12) != etag(11, 2)
    response = Response()
    set_etag(response, etag(3))
    assert response.headers["ETag"] == '"3"'


@pytest.mark.parametrize("condition", [None, "*", " * ", '"3"', '"2", "3"', '"3","9"', ' "3" '])
def test_conditions_that_hold(condition: str | None) -> None:
    check_if_match(condition, '"3"')


@pytest.mark.parametrize("condition", ["", '"2"', "3", '"33"', 'W/"3"', '"2", "4"', ",", '"*"'])
def test_conditions_that_do_not(condition: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        check_if_match(condition, '"3"')
    assert (refused.value.status, refused.value.headers["ETag"]) == (412, '"3"')
