"""Requests for add-ons: of the holder's own where it may file some, else of an admin's; brought on as jobs do."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from app.addons.package.archives import write_archive
from app.addons.package.files import Package
from app.addons.requests.revisions.models import TARevisionType
from app.addons.requests.revisions.packages import Packages, package_key
from app.addons.requests.revisions.starting import Origin, Starting
from app.addons.requests.tracking.repository import RequestWrites
from app.kernel.ids import new_id
from app.kernel.security.authorization import SYSTEM
from tests.authorization.holders import Holder
from tests.operations_catalogue.operation import OWN, Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

ROOT: Final = "/api/addons/requests"
NAME: Final = "TA-acme-vpn"
BOUNDARY: Final = "the-boundary"
WAITING, FAILED, COMPLETED = "PENDING_APPROVAL", "FAILED", "COMPLETED"
DECIDED: Final = "decided"
"""State of the matrix: another's request about which somebody has decided."""
LINE: Final = b"2026-03-01T12:00:00Z gw1 vpn[17]: user=u1 action=login\n"


def package() -> Package:
    """A package of the add-on."""
    files = {"default/app.conf": f"[package]\nid = {NAME}\n".encode(), "default/props.conf": b"[acme]\n"}
    return Package(NAME, files)


def form(content: bytes) -> dict[str, Any]:
    """The body of an upload."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="text"\r\n\r\n'.encode()
    body = head + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    return {"content": body, "headers": {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}}


async def request(world: Workshop, holder: Holder | None, status: str = "NEW") -> str:
    """The id of a fresh request with a sample, which has this status."""
    wanted = {"title": "text", "source_description": "text", "addon_name": NAME}
    request_id = ""
    if holder is not None:
        answer = await world.as_holder(ROOT, wanted, holder)
        if answer.status_code == 201:
            request_id = str(answer.json()["id"])
    if not request_id:
        request_id = str((await world.as_admin("POST", ROOT, 201, json=wanted))["id"])
    await sample(world, request_id)
    if status != "NEW":
        change = "UPDATE spyne.addon_requests SET status = $2 WHERE id = $1"
        await world.owner.execute(change, UUID(request_id), status)
    return request_id


async def of_nobody_here(world: Workshop, holder: Holder | None, status: str) -> str:
    """The id of a fresh request that nobody has filed who asks: not the admin either, by whose hands it is made."""
    request_id = await request(world, holder, status)
    change = "UPDATE spyne.addon_requests SET requestor_id = $2, requestor_people = '{}' WHERE id = $1"
    await world.owner.execute(change, UUID(request_id), new_id())
    return request_id


async def sample(world: Workshop, request_id: str) -> str:
    """The id of a fresh sample of a request."""
    sample_id = new_id()
    key = f"addons/{request_id}/samples/{sample_id}"
    async with world.resources.storage.writer(key) as writer:
        await writer.write(LINE)
    await world.owner.execute(
        "INSERT INTO spyne.addon_samples (id, request_id, filename, object_key, bytes, sha256, encoding, lines, head, "
        "uploaded_by) VALUES ($1, $2, 'text', $3, $4, $5, 'utf-8', 1, 'text', 'text')",
        sample_id,
        UUID(request_id),
        key,
        len(LINE),
        writer.stored.sha256,
    )
    return str(sample_id)


async def versions(world: Workshop, holder: Holder | None) -> str:
    """The id of a completed request with two versions and a validation run that waits."""
    request_id = UUID(await request(world, holder, COMPLETED))
    packages = Packages(world.resources.storage)
    for version in (1, 2):
        revision_id = new_id()
        kept = await packages.keep(package_key(request_id, revision_id), package())

        async def add(session: Any, version: int = version, revision_id: UUID = revision_id, kept: Any = kept) -> None:
            row = await RequestWrites(session).locked(request_id)
            assert row is not None
            starting = Starting(session)
            origin = Origin(TARevisionType.AUTO, report={}, job_id=new_id())
            revision = await starting.add_revision(SYSTEM, row, revision_id, kept, origin)
            if version == 1:
                await starting.start(SYSTEM, row, revision)

        await world.resources.database.run(add)
    return str(request_id)


Make = Callable[[Workshop, Holder | None], Awaitable[str]]


def _in(status: str) -> Make:
    async def make(world: Workshop, holder: Holder | None) -> str:
        return await request(world, holder, status)

    return make


def _of(kind: str, make: Make, ids: dict[str, str] | None = None, **more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        made = await setting.owned(f"addon request: {kind}", lambda holder: make(setting.world, holder))
        return Prepared({"request_id": made} | (ids or {}), more, mark=made)

    return prepared


def _decision(**more: Any) -> Prepare:
    """A decision about a request that waits, or about which somebody has decided."""

    async def prepared(setting: Setting) -> Prepared:
        status = "APPROVED" if setting.state == DECIDED else WAITING
        make = request if setting.state == OWN else of_nobody_here
        made = await setting.owned(f"addon request: {status}", lambda who: make(setting.world, who, status))
        return Prepared({"request_id": made}, more)

    return prepared


async def _requests(setting: Setting) -> Prepared:
    mark = await setting.owned("addon request: NEW", lambda holder: request(setting.world, holder))
    return Prepared(more={"params": {"limit": 500}}, mark=mark)


async def _sample(setting: Setting) -> Prepared:
    made = await setting.owned("addon request: sample", lambda holder: request(setting.world, holder))
    return Prepared({"request_id": made, "sample_id": await sample(setting.world, made)})


async def _new_request(_: Setting) -> Prepared:
    wanted = {
        "title": "text", "source_description": "text", "addon_name": NAME, "index": "main", "sourcetype": "acme",
        "metadata": {"ticket": "text"},
    }  # fmt: skip
    return Prepared(more={"json": wanted})


_WHY: Final = {"reason": "text"}
_VERSIONS: Final = _of("versions", versions, {"version": "1"})
_ONE: Final = f"{ROOT}/{{request_id}}"

OPERATIONS = (
    Operation("list_addon_requests", "GET", ROOT, _requests),
    Operation("create_addon_request", "POST", ROOT, _new_request),
    Operation("get_addon_statistics", "GET", "/api/addons/statistics"),
    Operation("get_addon_request", "GET", _ONE, _of("NEW", request)),
    Operation("submit_addon_request", "POST", f"{_ONE}/submit", _of("NEW", request)),
    Operation("approve_addon_request", "POST", f"{_ONE}/approve", _decision(json=_WHY | {"from_status": WAITING})),
    Operation("reject_addon_request", "POST", f"{_ONE}/reject", _decision(json=_WHY | {"from_status": WAITING})),
    Operation(
        "cancel_addon_request", "POST", f"{_ONE}/cancel", _of("NEW", request, json=_WHY | {"from_status": "NEW"})
    ),
    Operation(
        "retry_addon_request", "POST", f"{_ONE}/retry", _of(FAILED, _in(FAILED), json=_WHY | {"from_status": FAILED})
    ),
    Operation("upload_addon_sample", "POST", f"{_ONE}/samples", _of("NEW", request, **form(LINE))),
    Operation("list_addon_samples", "GET", f"{_ONE}/samples", _of("NEW", request)),
    Operation("delete_addon_sample", "DELETE", f"{_ONE}/samples/{{sample_id}}", _sample),
    Operation("list_addon_revisions", "GET", f"{_ONE}/revisions", _VERSIONS),
    Operation(
        "upload_addon_revision",
        "POST",
        f"{_ONE}/revisions",
        _of(FAILED, _in(FAILED), params={"note": "text"}, **form(write_archive(package()))),
    ),
    Operation("get_addon_revision", "GET", f"{_ONE}/revisions/{{version}}", _VERSIONS),
    Operation("download_addon_revision", "GET", f"{_ONE}/revisions/{{version}}/download", _VERSIONS),
    Operation(
        "get_addon_file",
        "GET",
        f"{_ONE}/revisions/{{version}}/files/{{path}}",
        _of("versions", versions, {"version": "1", "path": "default/app.conf"}),
    ),
    Operation(
        "compare_addon_revisions",
        "GET",
        f"{_ONE}/revisions/{{version}}/diff/{{other}}",
        _of("versions", versions, {"version": "1", "other": "2"}),
    ),
    Operation("list_addon_validations", "GET", f"{_ONE}/validations", _VERSIONS),
    Operation("start_addon_validation", "POST", f"{_ONE}/validations", _of("versions", versions, json={"version": 2})),
    Operation(
        "get_addon_validation", "GET", f"{_ONE}/validations/{{number}}", _of("versions", versions, {"number": "1"})
    ),
)
