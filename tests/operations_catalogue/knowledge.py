"""Knowledge: small documents in Markdown, each of its own content."""

from typing import Any

from tests.operations_catalogue.operation import Operation, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

PATH = "/api/knowledge/documents"
ACTIVE, REMOVED = "active", "removed"


FILE_NAME = '; filename="x.markdown"'
BOUNDARY = "knowledge-of-the-tests"


def form(name: str) -> dict[str, Any]:
    """Every field of an upload, and a file that no other upload has."""
    content = f"# {name}\n\n| Field | Meaning |\n|---|---|\n| src_ip | Source address of {name} |\n"
    return {"file": content, "title": name, "source": "text", "kind": "notes", "metadata": '{"product": "text"}'}


def upload(fields: dict[str, Any]) -> dict[str, Any]:
    """The upload, as httpx takes it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        f"{FILE_NAME if name == 'file' else ''}\r\n\r\n{value}\r\n"
        for name, value in fields.items()
    ]
    content = f"{''.join(parts)}--{BOUNDARY}--\r\n".encode()
    return {"content": content, "headers": {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}}


async def document(world: Workshop, *, removed: bool = False) -> str:
    """The id of a fresh document."""
    made = await world.as_admin("POST", PATH, 201, **upload(form(world.name("document"))))
    if removed:
        await world.as_admin("DELETE", f"{PATH}/{made['id']}", 200)
    return str(made["id"])


async def _of_document(setting: Setting) -> Prepared:
    removed = setting.state == REMOVED
    made = await setting.kept("document", lambda: document(setting.world, removed=removed), setting.state)
    return Prepared({"id": made})


async def _changing(setting: Setting) -> Prepared:
    found = await _of_document(setting)
    return Prepared(found.ids, {"json": {"title": setting.world.name("title"), "source": "text", "is_active": True}})


async def _upload(setting: Setting) -> Prepared:
    fields = form(setting.world.name("document"))
    return Prepared(more=upload(fields), form=fields)


async def _listed(setting: Setting) -> Prepared:
    found = await _of_document(setting)
    more = {"params": {"active": "false"}} if setting.state == REMOVED else {}
    return Prepared(more=more, mark=found.ids["id"])


async def _search(_: Setting) -> Prepared:
    return Prepared(more={"params": {"q": "src_ip"}})


OPERATIONS = (
    Operation("upload_knowledge_document", "POST", PATH, _upload),
    Operation("list_knowledge_documents", "GET", PATH, _listed),
    Operation("get_knowledge_document", "GET", f"{PATH}/{{id}}", _of_document),
    Operation("change_knowledge_document", "PATCH", f"{PATH}/{{id}}", _changing),
    Operation("remove_knowledge_document", "DELETE", f"{PATH}/{{id}}", _of_document),
    Operation("search_knowledge", "GET", "/api/knowledge/search", _search),
)
