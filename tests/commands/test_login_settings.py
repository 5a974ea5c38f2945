"""Which settings of a login a backup holds, and what is made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands.login_settings import KNOWN, LoginSettings, is_known, statements


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("statement_timeout", "120s", True),
        ("statement_timeout", "0", True),
        ("statement_timeout", "-1", False),
        ("statement_timeout", "120 s", False),
        ("statement_timeout", "120s\n", False),
        ("temp_file_limit", "2GB", True),
        ("temp_file_limit", "-1", True),
        ("temp_file_limit", "2gb", False),
        ("work_mem", "64MB'; DROP TABLE x; --", False),
        ("default_transaction_read_only", "on", True),
        ("default_transaction_read_only", "on, off", False),
        ("search_path", "pg_catalog", True),
        ("search_path", "evil, pg_catalog", False),
        ("random_page_cost", "1.1", True),
        ("random_page_cost", "1e1", False),
        ("session_preload_libraries", "evil", False),
        ("local_preload_libraries", "", False),
        ("role", "spyne_owner", False),
        ("log_statement", "none", False),
        ("Statement_Timeout", "1s", False),
        ("", "", False),
    ],
)
def test_a_setting_is_known_by_name_and_form(name: str, value: str, known: bool) -> None:
    assert is_known(name, value) is known


def test_statements_are_of_known_settings_alone() -> None:
    wanted = LoginSettings(connection_limit=60, settings={"statement_timeout": "120s", "search_path": "pg_catalog"})
    assert statements('a"b', wanted) == [
        'ALTER ROLE "a""b" CONNECTION LIMIT 60',
        'ALTER ROLE "a""b" SET "search_path" = \'pg_catalog\'',
        'ALTER ROLE "a""b" SET "statement_timeout" = \'120s\'',
    ]
    unchecked = LoginSettings.model_construct(connection_limit=1, settings={"role": "x", "work_mem": "'"})
    assert statements("a", unchecked) == ['ALTER ROLE "a" CONNECTION LIMIT 1']


@given(st.sampled_from(sorted(KNOWN)), st.text(max_size=40))
def test_no_known_value_ends_a_literal(name: str, value: str) -> None:
    assert not is_known(name, value) or not set("'\\;\n \0").intersection(value)
