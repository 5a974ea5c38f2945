"""Passages that are cited: by names of the product and of fields, told in one harmless line each."""

from collections.abc import Sequence
from uuid import UUID

from app.addons.knowledge.documents import DocumentKind, Passage
from app.addons.package.files import Package
from app.addons.requests.citing import MOST_NAMES, citations, names_of, sources_of
from app.addons.requests.proposing import Draft, cited

REPORT = {"extraction": {"fields": [{"name": "src_ip", "events": 9}, {"name": "f1", "events": 1}]}}
HOSTILE = "Guide](http://x)\n# <b>"


class Shelf:
    """A passage about everything."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def passages_for(self, names: Sequence[str], limit: int) -> Sequence[Passage]:
        """The passage."""
        self.asked += names
        return [Passage(UUID(int=2), UUID(int=1), HOSTILE, None, DocumentKind.VENDOR, 3, ["Fields"], "text")][:limit]


def test_names_are_of_the_product_then_of_the_fields() -> None:
    assert names_of("Add-on for the Acme VPN", REPORT) == ["Acme", "VPN", "src_ip", "f1"]
    assert names_of("", {}) == []
    many = {"extraction": {"fields": [{"name": f"f{n}"} for n in range(500)]}}
    assert len(names_of("Acme", many)) == MOST_NAMES


async def test_what_is_cited_names_document_passage_and_title() -> None:
    shelf = Shelf()
    found = await citations(shelf, ["src_ip"])
    assert (found[0]["document_id"], found[0]["passage_id"]) == (str(UUID(int=1)), str(UUID(int=2)))
    assert (found[0]["title"], found[0]["ordinal"], shelf.asked) == (HOSTILE, 3, ["src_ip"])
    assert await citations(shelf, []) == []


async def test_the_readme_ends_with_the_sources_as_plain_text() -> None:
    sources = sources_of(await citations(Shelf(), ["src_ip"]))
    draft = cited(Draft(Package("TA-a", {"README.md": b"# A\n"}), {}), sources)
    readme = draft.package.text("README.md") or ""
    assert readme.startswith("# A\n\n## Sources\n")
    assert r"- Guide\](http://x) \# \<b\>, passages 3" in readme
    assert sources_of([]) == ""
    assert cited(Draft(Package("TA-a", {}), {}), sources).package.files == {}
