"""Passages of documents that speak of an add-on's product and fields, cited in revisions and packages' READMEs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from app.addons.knowledge.documents import Passage

MOST_NAMES: Final = 60
MOST_PASSAGES: Final = 10
_WORD: Final = re.compile(r"[^\W_]{3,}")
_MOST_TITLE: Final = 200
_PLAIN: Final = frozenset(("add", "addon", "for", "the", "and", "technology", "log", "logs", "splunk", "from"))
"""Words of titles of requests that name no product."""


class Passages(Protocol):
    """Finds passages by names, the same ones for the same names and documents."""

    async def passages_for(self, names: Sequence[str], limit: int) -> Sequence[Passage]:
        """Passages about any of the names of fields, products or models."""


def names_of(product: str, report: Mapping[str, Any]) -> list[str]:
    """The words of the product's name, then the fields' names, the most frequent first."""
    words = [word for word in _WORD.findall(product) if word.lower() not in _PLAIN]
    fields = [str(each["name"]) for each in report.get("extraction", {}).get("fields", ())]
    return list(dict.fromkeys(words + fields))[:MOST_NAMES]


async def citations(passages: Passages, names: Sequence[str]) -> list[dict[str, Any]]:
    """Document, passage and title of each passage that is cited, as kept with a revision."""
    found = await passages.passages_for(names, MOST_PASSAGES) if names else ()
    return [
        {
            "document_id": str(each.document_id),
            "passage_id": str(each.id),
            "title": each.title[:_MOST_TITLE],
            "ordinal": each.ordinal,
            "headings": [heading[:_MOST_TITLE] for heading in each.headings[:8]],
        }
        for each in found
    ]


def sources_of(cited: Sequence[Mapping[str, Any]]) -> str:
    """The README's section of sources in Markdown, a document a line; empty without any."""
    if not cited:
        return ""
    passages: dict[str, list[int]] = {}
    for each in cited:
        passages.setdefault(_plain(each["title"]), []).append(each["ordinal"])
    lines = [
        f"- {title}, passages {', '.join(map(str, sorted(set(ordinals))))}" for title, ordinals in passages.items()
    ]
    told = "Documents that speak of this product or of fields of this log:"
    return "\n".join(["", "## Sources", "", told, "", *lines, ""])


def _plain(title: str) -> str:
    """The title as one line that Markdown shows as it is."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in title).split())
    return re.sub(r"([\\`*_\[\]<>#|!])", r"\\\1", line)
