"""Mail to a real SMTP server through apprise, and what apprise may not reach."""

import asyncio
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from app.kernel.runtime.resources import Resources
from app.operations.notifications.delivery.background import delivering
from app.settings import DatabaseSettings, NotifySettings, Settings
from tests.operations.notifications.conftest import make_channel, send, settled
from tests.spawning import free_port


class Mailbox:
    """What came; refuses one recipient."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def mailbox(port: int) -> Iterator[Mailbox]:
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box
    server.stop()


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Settings:
    notify = NotifySettings(
        allowed_networks=(ip_network("127.0.0.0/8"),),
        smtp_url=SecretStr(f"mailto://127.0.0.1:{port}/?from=spyne@example.org&to=unused@example.org"),
        timeout_seconds=5,
        poll_seconds=0.2,
    )
    return Settings(home=tmp_path / "home", database=DatabaseSettings(pool_size=5, read_pool_size=5), notify=notify)


async def test_mail_arrives_with_the_messages_id(
    admin: httpx.AsyncClient, resources: Resources, mailbox: Mailbox
) -> None:
    target = "ops@example.org, other@example.org"
    channel = await make_channel(admin, target, channel_type="email", name="mail")
    assert channel["target"] == target
    async with delivering(resources):
        message_id = await send(admin, channel, subject="Grüße", body="First line\nsecond <line>")
        shown = await settled(admin, message_id)
    assert shown["status"] == "sent", shown
    assert sorted(mailbox.recipients) == ["ops@example.org", "other@example.org"]
    mail = mailbox.mails[0]
    assert mail["subject"] == "Grüße"
    assert mail["X-Spyne-Notification"] == message_id
    text = mail.get_body(("plain", "html"))
    assert text is not None
    assert "First line" in text.get_content()


async def test_mail_that_is_refused_is_tried_again(
    admin: httpx.AsyncClient, resources: Resources, mailbox: Mailbox
) -> None:
    channel = await make_channel(admin, "nobody@example.org", channel_type="email", name="mail")
    async with delivering(resources):
        shown = await settled(admin, await send(admin, channel))
    assert (shown["status"], mailbox.mails) == ("failed", [])
    assert "did not take" in shown["last_error"]


async def test_apprise_reaches_no_address_that_is_not_allowed(
    admin: httpx.AsyncClient, resources: Resources, port: int, mailbox: Mailbox
) -> None:
    """Found out at the connection, whatever the name of the host was."""
    object.__setattr__(resources.settings.notify, "allowed_networks", (ip_network("127.9.9.9/32"),))
    channel = await make_channel(admin, "ops@example.org", channel_type="email", name="mail")
    local = await make_channel(admin, f"json://localhost:{port}/", channel_type="apprise", name="json")
    async with delivering(resources):
        for one in (channel, local):
            shown = await settled(admin, await send(admin, one))
            assert shown["last_error"] == "The host has an address that the service does not call."
    assert mailbox.mails == []


async def test_other_services_are_called_through_apprise(
    admin: httpx.AsyncClient, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        got.append(head + await reader.readexactly(length))
        broken = b"/broken" in head.split(b"\r\n")[0]
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"500 Oh" if broken else b"200 OK"))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channel = await make_channel(admin, f"json://127.0.0.1:{port}/hunter2", channel_type="apprise", name="json")
    broken = await make_channel(admin, f"json://127.0.0.1:{port}/broken-hunter2", channel_type="apprise", name="broken")
    async with delivering(resources):
        assert (await settled(admin, await send(admin, channel)))["status"] == "sent"
        assert (await settled(admin, await send(admin, broken)))["status"] == "failed"
    server.close()
    assert b'"Hello"' in got[0]
    assert "hunter2" not in caplog.text
