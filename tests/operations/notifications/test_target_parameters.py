"""A target's URL says whom to reach and no more: over all services of apprise, whatever a newer version adds."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apprise.manager_plugins import NotificationManager
from hypothesis import given
from hypothesis import strategies as st

from app.operations.notifications.channels.channel_types import (
    LOCAL_SCHEMES,
    ChannelType,
    instantiate,
    target_fault,
    target_rules,
)
from app.operations.notifications.channels.target_parameters import (
    FILES,
    REACHING,
    SENDING,
    TEMPLATE_IDS,
    parameters_fault,
)
from app.settings import NotifySettings

RULES = target_rules(NotifySettings())
NEW = "decide in target_parameters.py (or LOCAL_SCHEMES) what it is: whom to reach, a file, or the sending"


def plugins() -> Iterator[tuple[Any, set[str]]]:
    """Every service of the installed apprise that can be spoken to from here, with its schemes."""
    instantiate("json://example.org")
    for plugin in NotificationManager().plugins():
        named = [getattr(plugin, name) or () for name in ("protocol", "secure_protocol")]
        schemes = {scheme for each in named for scheme in ([each] if isinstance(each, str) else each)}
        if not schemes & LOCAL_SCHEMES:
            yield plugin, schemes


SERVICES = sorted(plugins(), key=lambda service: service[0].__name__)


def test_all_services_are_walked() -> None:
    assert len(SERVICES) > 150
    assert len(FILES | SENDING | REACHING) == len(FILES) + len(SENDING) + len(REACHING), "each is of one kind"


SUSPICIOUS = re.compile(r"\b(path|file|keyfile|certificate|script|command|callback)s?\b", re.IGNORECASE)
"""Words in what a service calls a parameter."""


@pytest.mark.parametrize(("plugin", "schemes"), SERVICES, ids=[service[0].__name__ for service in SERVICES])
def test_every_parameter_of_every_service_is_decided_about(plugin: Any, schemes: set[str]) -> None:
    for name, told in plugin.template_args.items():
        assert name in REACHING | FILES | SENDING, f"{sorted(schemes)} has {name}: {NEW}"
        if SUSPICIOUS.search(str(told.get("name"))):
            harmless = name in {"path", "prefix"} or (name == "template" and schemes <= TEMPLATE_IDS)
            assert name in FILES or harmless, f"{sorted(schemes)} reads a file by {name}"
    for scheme in schemes & TEMPLATE_IDS:
        assert "Path" not in str(plugin.template_args["template"].get("name")), scheme


READERS = {
    "workflows": {"template"},
    "discord": {"template"},
    "slack": {"template"},
    "telegram": {"template"},
    "fcm": {"keyfile"},
}
"""Modules of services that load a file which a target names, and by which parameter."""


def test_the_files_that_services_load_are_those_that_are_refused() -> None:
    found: dict[str, set[str]] = {}
    for plugin, _ in SERVICES:
        module = importlib.import_module(plugin.__module__)
        loaded = set(re.findall(r"self\.(\w+) = AppriseAttachment\(", inspect.getsource(module)))
        if loaded:
            found[plugin.__module__.removeprefix("apprise.plugins.").split(".")[0]] = loaded
    assert {name: loaded - {"attach"} for name, loaded in found.items()} == READERS, NEW
    assert set().union(*READERS.values()) <= FILES


def test_no_service_that_is_spoken_starts_programs() -> None:
    sources = {Path(inspect.getfile(plugin)) for plugin, _ in SERVICES}
    starting = re.compile(r"^\s*(import|from) subprocess|os\.system\(", re.MULTILINE)
    assert [path.name for path in sources if starting.search(path.read_text())] == [], NEW


SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
NATIVE = "https://discord.com/api/webhooks/000000000000000000/abcdefghijklmnopqrstuvwxyz"
FCM = "fcm://project/device"

REFUSED = [
    f"{SLACK}?template=/etc/passwd",
    f"{SLACK}?TEMPLATE=/etc/passwd",
    f"{SLACK}?%74emplate=/etc/passwd",
    f"{SLACK}? template =/etc/passwd",
    f"{SLACK}?footer=no&template=/etc/passwd",
    f"{SLACK}?footer=no;template=/etc/passwd",
    f"{SLACK}?footer=no?template=/etc/passwd",
    f"{SLACK}?template",
    f"{NATIVE}?template=/etc/passwd",
    f"{FCM}?keyfile=/etc/passwd",
    f"{FCM}?keyfile=file:///etc/passwd",
    f"{FCM}?keyfile=https://attacker.example/key.json",
    "tgram://123456789:abcdefghijklmnopqrstuvwxyzabcdefghi/1/?template=/etc/passwd",
    "workflows://host/workflow/signature/?template=/etc/passwd",
    "mailtos://me:pass@example.org?to=a@b.org&pgp=yes&pgpprv=/home/spyne/key",
    "ntfy://topic/?attach=/etc/passwd",
    "form://example.org/?attach-as=x",
    "json://example.org/?rto=3600",
    "json://example.org/?retry=10&wait=60",
    "json://example.org/?redirect=yes",
    "json://example.org/?optional=yes",
    "json://example.org/?store=yes",
    "json://example.org/?callback=https://attacker.example",
    "json://example.org/?unheard-of=1",
    "vapid://me@example.org/subscriber",
    "vapid://me@example.org/subscriber?keyfile=/etc/passwd&subfile=/etc/passwd",
    "deltachats://me:pass@example.org",
]

TAKEN = [
    SLACK,
    f"{SLACK}?footer=no&image=yes&format=markdown",
    NATIVE,
    "json://example.org/a/b?+X-Team=data&-key=value&:field=value&method=put",
    "jsons://me:pass@example.org:8443/?verify=no",
    "mailtos://me:pass@example.org?to=a@b.org&cc=c@d.org&from=Spyne&smtp=mail.example.org&mode=ssl",
    "ntfy://topic/?priority=high&tags=x&click=https://example.org",
    "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "sendgrid://abcdefgh:me@example.org/you@example.org?template=3b2a1b2c-1234-4321-abcd-1234567890ab",
]


@pytest.mark.parametrize("target", REFUSED)
def test_what_a_target_may_not_say(target: str) -> None:
    fault = target_fault(ChannelType.APPRISE, target, RULES)
    assert fault is not None
    assert "passwd" not in fault
    assert "attacker" not in fault


@pytest.mark.parametrize("target", TAKEN)
def test_what_a_target_may_say(target: str) -> None:
    assert parameters_fault(target) is None
    assert target_fault(ChannelType.APPRISE, target, RULES) is None


def test_the_fault_names_what_is_known_and_counts_the_rest() -> None:
    fault = parameters_fault("json://example.org/?keyfile=a&template=b&hunter2=c&hunter3=d&to=e")
    assert fault == "A target has no such parameters: keyfile, template; and 2 that no service needs. Leave them out."


NAMES = st.sampled_from(sorted(REACHING)) | st.sampled_from(sorted(FILES | SENDING)) | st.text("abk%_-+: ", max_size=5)


@given(st.lists(st.tuples(NAMES, st.sampled_from("&;"), st.text("ab=%/", max_size=4)), max_size=5))
def test_what_apprise_reads_is_what_was_looked_at(pairs: list[tuple[str, str, str]]) -> None:
    """No spelling of a query reaches a service with a parameter that is refused."""
    target = "json://example.org/?" + "".join(f"{name}={value}{end}" for name, end, value in pairs)
    if parameters_fault(target) is not None:
        return
    plugin = instantiate(target)
    read = type(plugin).parse_url(target)["qsd"] if plugin is not None else {}
    assert [name for name in read if name.strip().lower() in FILES | SENDING] == []
