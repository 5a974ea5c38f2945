"""Names of fields: by key, by the words beside the value, by shape, and never twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.generator.shapes.names import RESERVED_NAMES, clean_name, name_for
from app.addons.generator.shapes.profiles import profile


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("user", "user"),
        ("cs(User-Agent)", "cs_User_Agent"),
        ("id.orig_h", "id_orig_h"),
        ("_private", "private"),
        ("2xx", "xx"),
        ("c-ip", "c_ip"),
        ("host", "event_host"),
        ("source", "event_source"),
        ("__", ""),
        ("größe", "gr__e"),
    ],
)
def test_keys_are_cleaned_as_splunk_cleans_them(key: str, name: str) -> None:
    assert clean_name(key) == name


@pytest.mark.parametrize(
    ("value", "before", "after", "taken", "name"),
    [
        ("22", "on port ", "", "", "port"),
        ("53502", "Invalid user x from 1.2.3.4 port ", "", "src_ip", "src_port"),
        ("80", "connect to 1.2.3.4 port ", "", "", "dest_port"),
        ("1.2.3.4", "Invalid user x from ", "", "", "src_ip"),
        ("::1", "connection from [", "]", "", "src_ip"),
        ("1.2.3.4", "sent to ", "", "", "dest_ip"),
        ("1.2.3.4", "session started, assigned ", "", "", "assigned_ip"),
        ("1.2.3.4", "", "", "", "src_ip"),
        ("1.2.3.4", "", "", "src_ip", "dest_ip"),
        ("1.2.3.4", "", "", "src_ip dest_ip", "ip"),
        ("1.2.3.4", "Private IP: ", "", "", "IP"),
        ("web.example.com", "from ", "", "", "src_host"),
        ("root", "Failed password for ", " from", "", "user"),
        ("root", "Failed password for invalid user ", "", "", "user"),
        ("root", "by user '", "'", "", "user"),
        ("CORP\\jdoe", "User name: ", ",", "", "user"),
        ("CORP\\jdoe", "", "", "", "user"),
        ("200", 'GET / HTTP/1.1" ', " 512", "", "status"),
        ("512", 'GET / HTTP/1.1" 200 ', "", "", "bytes"),
        ("200", "0.001 ", ' 739 - - "GET / HTTP/1.1"', "", "status"),
        ("739", "0.001 200 ", ' - - "GET / HTTP/1.1"', "status", "bytes"),
        ("a@example.com", "from=<", ">", "", "sender"),
        ("a@example.com", "to=<", ">", "sender", "recipient"),
        ("disk", "warning: ", " is full", "", "field_7"),
        ("5", "exit code ", "", "", "code"),
        ("404", "status=", "", "", "status"),
        ("EOF", "reason: ", "", "", "reason"),
        ("4711", "sshd[", "]:", "", "pid"),
        ("12", "took ", " ms", "", "duration"),
        ("1024", "sent ", " bytes", "", "bytes"),
        ("99", "session ", " closed", "", "session"),
        ("GET", '"', " /", "", "http_method"),
        ("/a?b=c", "GET ", " HTTP/1.1", "", "uri_path"),
        ("tcp", "", "", "", "transport"),
        ("https", "", "", "", "app"),
        ("00:08:a2:0c:1f:12", "", "", "", "src_mac"),
        ("5770385f-c22a-43e0-bf4c-06f5698ffbd9", "request ", "", "", "request"),
        ("5770385f-c22a-43e0-bf4c-06f5698ffbd9", "", "", "", "uuid"),
        ("Mozilla/5.0 (X11)", '"', '"', "", "http_user_agent"),
        ("ERROR", "", "", "", "severity"),
        ("some words here", "", "", "", "field_7"),
        ("-", "", "", "", "field_7"),
    ],
)
def test_words_and_shapes_give_names(value: str, before: str, after: str, taken: str, name: str) -> None:
    assert name_for(profile([value]), key=None, before=before, after=after, position=7, taken=taken.split()) == name


def test_the_key_comes_before_all_else() -> None:
    found = name_for(profile(["1.2.3.4"]), key="peer-address", before="from ", after="", position=1, taken=())
    assert found == "peer_address"


def test_names_are_unique() -> None:
    taken = ["user", "user_2"]
    assert name_for(profile(["a"]), key="user", before="", after="", position=1, taken=taken) == "user_3"


@settings(max_examples=100)
@given(
    st.text(max_size=40), st.none() | st.text(max_size=90), st.text(max_size=150), st.text(max_size=150), st.integers()
)
def test_any_surroundings_give_a_name(value: str, key: str | None, before: str, after: str, position: int) -> None:
    taken = {"field_0", "user"}
    name = name_for(profile([value]), key=key, before=before, after=after, position=position, taken=taken)
    assert name.isascii()
    assert name.replace("_", "a").isalnum()
    assert not name[0].isdigit()
    assert name not in taken | RESERVED_NAMES
