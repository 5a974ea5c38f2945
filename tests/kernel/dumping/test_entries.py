"""Which entries of a dump are restored, by whom."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.dumping.entries import TAKEN, BadListError, choose, lines

ALL = (True, False)
SUPERUSER = (True,)
NOBODY = ()


@pytest.mark.parametrize(
    ("entry", "restored_by"),
    [
        ("TABLE spyne users spyne_owner", ALL),
        ("TABLE DATA spyne users spyne_owner", ALL),
        ("TABLE ATTACH data part a", ALL),
        ("SEQUENCE SET spyne audit_id_seq a", ALL),
        ("FK CONSTRAINT spyne tables fk a", ALL),
        ("FUNCTION spyne publish(regclass, text[]) a", ALL),
        ("TRIGGER spyne audit_log append_only a", ALL),
        ("SCHEMA - spyne a", ALL),
        ("COMMENT - SCHEMA spyne a", ALL),
        ("ACL - SCHEMA spyne a", ALL),
        ("ACL spyne TABLE users a", ALL),
        ('TABLE data "EVENT TRIGGER" a', ALL),
        ("FOREIGN TABLE shop far a", ALL),
        ("EXTENSION - citus ", SUPERUSER),
        ("COMMENT - EXTENSION citus ", SUPERUSER),
        ("SERVER - elsewhere a", SUPERUSER),
        ("ACL - FOREIGN SERVER elsewhere a", SUPERUSER),
        ("ACL pg_catalog FUNCTION lo_export(oid, text) a", SUPERUSER),
        ("FUNCTION pg_catalog evil() a", SUPERUSER),
        ("EVENT TRIGGER - evil a", NOBODY),
        ("COMMENT - EVENT TRIGGER evil a", NOBODY),
        ("SUBSCRIPTION - evil a", NOBODY),
        ("PUBLICATION - evil a", NOBODY),
        ("PROCEDURAL LANGUAGE - plpython3u a", NOBODY),
        ("ACL - LANGUAGE plpython3u a", NOBODY),
        ("CAST - CAST (text AS int) a", NOBODY),
        ("OPERATOR public = a", NOBODY),
        ("USER MAPPING - USER MAPPING spyne_app SERVER elsewhere a", NOBODY),
        ("BLOB - 4711 a", NOBODY),
        ("BLOB METADATA - 4711..4712 a", NOBODY),
        ("DATABASE - spyne a", NOBODY),
        ("SECURITY LABEL - SCHEMA spyne a", NOBODY),
        ("A KIND TO COME spyne x a", NOBODY),
    ],
)
def test_an_entry_is_restored_by_whom(entry: str, restored_by: tuple[bool, ...]) -> None:
    listed = [b"; Archive created at 2026-01-01", b";", f"12; 1259 16385 {entry}".encode(), b""]
    for superuser in (True, False):
        chosen = choose(listed, superuser=superuser)
        assert bool(chosen.taken) is (superuser in restored_by)
        assert lines(chosen.taken) == (listed[2] + b"\n" if chosen.taken else b"")
        assert chosen.defaults == []
        assert bool(chosen.left_out) is (superuser not in restored_by and "pg_catalog" not in entry)


def test_privileges_by_default_stand_apart() -> None:
    line = b"3; 826 16390 DEFAULT ACL spyne DEFAULT PRIVILEGES FOR TABLES a"
    chosen = choose([line], superuser=False)
    assert (chosen.taken, lines(chosen.defaults)) == ([], line + b"\n")


@pytest.mark.parametrize("line", [b"x", b"1; 2 TABLE a b c", b"\\! rm -rf /", b"-1; 0 0 TABLE a b c"])
def test_a_line_that_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises(BadListError):
        choose([line], superuser=True)


@given(
    st.sampled_from(sorted(TAKEN - {"DEFAULT ACL", "ACL", "COMMENT"})),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
def test_whatever_a_thing_is_called_its_line_is_the_list_s_own(kind: str, name: str) -> None:
    line = f"1; 2 3 {kind} data {re.sub(chr(10), ' ', name)} a".encode()
    for superuser in (True, False):
        assert lines(choose([line], superuser=superuser).taken) == line + b"\n"
