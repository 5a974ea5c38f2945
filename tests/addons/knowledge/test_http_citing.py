"""What the generator cites: passages of documents that were uploaded, named in the revision and in its README."""

from app.kernel.runtime.resources import Resources
from tests.addons.knowledge.steps import PATH, uploaded
from tests.addons.requests.steps import ROOT, completed, document
from tests.conftest import ClientOf

MANUAL = """# Acme VPN log reference

## Session fields

| Field | Meaning |
|---|---|
| user | Who logs in |
| src | The address that the client comes from |
"""
OTHER = "# Coffee machine\n\n## Beans\n\n- roast: how dark the beans are\n"


async def test_a_generated_revision_cites_what_was_uploaded(as_role: ClientOf, resources_of_app: Resources) -> None:
    manager, requestor, approver = [await as_role(role) for role in ("KNOWLEDGE_MANAGER", "REQUESTOR", "APPROVER")]
    manual = await uploaded(manager, MANUAL)
    await uploaded(manager, OTHER)
    revision = f"{ROOT}/{await completed(requestor, approver, resources_of_app)}/revisions/1"
    (cited,) = document(await requestor.get(revision), 200)["knowledge"]
    shown = document(await requestor.get(f"{PATH}/{cited['document_id']}"), 200)
    (passage,) = shown["content"]
    assert (shown["id"], passage["id"], passage["ordinal"]) == (manual["id"], cited["passage_id"], cited["ordinal"])
    assert (cited["title"], cited["headings"]) == (manual["title"], passage["headings"])
    readme = await requestor.get(f"{revision}/files/README.md")
    assert "\n## Sources\n" in readme.text
    assert readme.text.endswith("\n- Acme VPN log reference, passages 1\n")
    await manager.delete(f"{PATH}/{manual['id']}")
    assert document(await requestor.get(revision), 200)["knowledge"] == [cited], "what was cited stays noted"
