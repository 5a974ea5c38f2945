"""Names of add-ons, and the three documents that say what a package is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.package.conf import parse_conf
from app.addons.package.manifest import MAX_LABEL_CHARACTERS, app_conf, app_manifest, default_meta, one_line
from app.addons.package.names import addon_name, is_addon_name, is_version


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("acme-vpn", "TA-acme-vpn"),
        ("Acmé VPN 7", "TA-Acme_VPN_7"),
        ("TA-foo", "TA-foo"),
        ("ta_foo", "TA-foo"),
        ("Splunk_TA_nix", "TA-nix"),
        ("foo.tar.gz", "TA-foo"),
        ("foo.spl.spl", "TA-foo"),
        ("../../etc", "TA-etc"),
        ("a  b//c", "TA-a_b_c"),
        ("nul", "TA-nul"),
        ("日本", "TA-addon"),
        ("", "TA-addon"),
        ("...", "TA-addon"),
        ("x" * 200, "TA-" + "x" * 61),
    ],
)
def test_a_wish_becomes_a_name(wish: str, name: str) -> None:
    assert addon_name(wish) == name


@given(st.text())
def test_any_wish_becomes_a_name_that_splunk_takes(wish: str) -> None:
    assert is_addon_name(addon_name(wish))
    assert addon_name(addon_name(wish)) == addon_name(wish)


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("TA-acme_vpn.x", True),
        ("_a", True),
        ("9lives", False),
        ("a.", False),
        ("a b", False),
        ("", False),
        ("CON", False),
        ("con.x", False),
        ("Lpt1", False),
        ("console", True),
        ("a.spl", False),
        ("a\n", False),
        ("ü", False),
        ("a" * 65, False),
    ],
)
def test_names_that_splunk_takes(name: str, taken: bool) -> None:
    assert is_addon_name(name) is taken


@pytest.mark.parametrize(
    ("version", "semantic"),
    [
        ("1.0.0", True),
        ("0.1.2-beta.1+b7", True),
        ("1.0", False),
        ("01.0.0", False),
        ("1.0.0\n", False),
        ("v1.0.0", False),
        ("٣.0.0", False),
        ("1.0.0-" + "a" * 80, False),
    ],
)
def test_versions(version: str, semantic: bool) -> None:
    assert is_version(version) is semantic


def test_the_documents_agree() -> None:
    about = ("TA-acme", "Acme VPN", "1.2.0", "Reads the log.", "The log team")
    conf = {each.name: each.settings for each in parse_conf(app_conf(*about).decode()).stanzas}
    identity = json.loads(app_manifest(*about))["info"]["id"]
    assert (conf["package"]["id"], conf["id"]["name"], identity["name"]) == ("TA-acme",) * 3
    assert (conf["launcher"]["version"], conf["id"]["version"], identity["version"]) == ("1.2.0",) * 3
    assert (conf["install"]["is_configured"], conf["ui"]["is_visible"], conf["package"]["check_for_updates"]) == (
        *("0", "0", "0"),
    )
    meta = parse_conf(default_meta().decode()).stanza("")
    assert meta == {"access": "read : [ * ], write : [ admin, sc_admin ]", "export": "system"}


@given(st.text(), st.text(), st.text())
def test_any_words_make_documents_that_are_read(title: str, description: str, author: str) -> None:
    read = parse_conf(app_conf("TA-a", title, "1.0.0", description, author).decode())
    assert [each.name for each in read.stanzas] == ["install", "ui", "launcher", "package", "id"]
    assert read.faults == ()
    assert 5 <= len(read.stanza("ui")["label"]) <= MAX_LABEL_CHARACTERS
    assert json.loads(app_manifest("TA-a", title, "1.0.0", description, author))["schemaVersion"] == "2.0.0"


def test_the_words_cannot_add_a_line() -> None:
    assert one_line("a\r\n[evil]\x00\u2028b\\", 40) == "a [evil] b"


@pytest.mark.parametrize(("name", "version"), [("9lives", "1.0.0"), ("TA-a", "1"), ("TA-a\n[x]", "1.0.0")])
def test_a_name_or_version_that_splunk_refuses_is_refused(name: str, version: str) -> None:
    with pytest.raises(ValueError, match=r"Splunk takes no|no semantic version"):
        app_conf(name, "Acme VPN", version, "", "")
    with pytest.raises(ValueError, match=r"Splunk takes no|no semantic version"):
        app_manifest(name, "Acme VPN", version, "", "")
