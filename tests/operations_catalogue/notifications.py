"""Notifications: channels and messages."""

from typing import Any

from tests.operations_catalogue.operation import Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

ROOT = "/system/notify"


def channel(name: str) -> dict[str, Any]:
    """A webhook of this name, which takes nothing of itself but tests."""
    return {
        "name": name,
        "channel_type": "webhook",
        "target": "https://hooks.example.org/spyne",
        "active": True,
        "description": "text",
        "event_filter": ["notify:*"],
    }


async def _make_channel(world: Workshop) -> str:
    made = channel(world.name("channel"))
    return str((await world.as_admin("POST", f"{ROOT}/channels", 201, json=made))["id"])


async def _make_message(world: Workshop) -> str:
    made = {"channel_id": await _make_channel(world), "subject": "Hello"}
    return str((await world.as_admin("POST", f"{ROOT}/", 202, json=made))["ids"][0])


async def _channel(setting: Setting) -> str:
    return await setting.kept("channel", lambda: _make_channel(setting.world))


async def _new_channel(setting: Setting) -> Prepared:
    return Prepared(more={"json": channel(setting.world.name("channel"))})


def _of_channel(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"channel_id": await _channel(setting)}, more)

    return prepared


async def _changed_channel(setting: Setting) -> Prepared:
    body = channel(setting.world.name("channel"))
    del body["channel_type"]
    return await _of_channel(json=body)(setting)


async def _new_message(setting: Setting) -> Prepared:
    body = {"event": "notify:test", "subject": "Hello", "body": "text", "payload": {"a": 1}}
    return Prepared(more={"json": {"channel_id": await _channel(setting), **body}})


async def _recovery(setting: Setting) -> Prepared:
    return Prepared(more={"json": {"channel_id": await _channel(setting), "since": "2026-01-01T00:00:00Z"}})


async def _of_message(setting: Setting) -> Prepared:
    return Prepared({"message_id": await setting.kept("message", lambda: _make_message(setting.world))})


_ROTATED = _of_channel(json={"grace_seconds": 60})

OPERATIONS = (
    Operation("list_notification_channels", "GET", f"{ROOT}/channels"),
    Operation("create_notification_channel", "POST", f"{ROOT}/channels", _new_channel),
    Operation("get_notification_channel", "GET", f"{ROOT}/channels/{{channel_id}}", _of_channel()),
    Operation("change_notification_channel", "PATCH", f"{ROOT}/channels/{{channel_id}}", _changed_channel),
    Operation("remove_notification_channel", "DELETE", f"{ROOT}/channels/{{channel_id}}", _of_channel()),
    Operation("test_notification_channel", "POST", f"{ROOT}/channels/{{channel_id}}/test", _of_channel()),
    Operation("rotate_notification_secret", "POST", f"{ROOT}/channels/{{channel_id}}/rotate-secret", _ROTATED),
    Operation("list_notifications", "GET", f"{ROOT}/"),
    Operation("send_notification", "POST", f"{ROOT}/", _new_message),
    Operation("recover_notifications", "POST", f"{ROOT}/recover", _recovery),
    Operation("get_notification", "GET", f"{ROOT}/{{message_id}}", _of_message),
    Operation("retry_notification", "POST", f"{ROOT}/{{message_id}}/retry", _of_message),
)
