"""Fields of events that are tables: KV_MODE = multi, in the plain form of the command `multikv`.

The first line names the columns; every later line has as many words. Splunk makes an event of each line; here the
values of a column become the values of one field of the whole event, and the report says so.
"""

from app.addons.replay.formats.field_names import cleaned_name

MAX_LINES = 1_000


def table_fields(text: str) -> dict[str, list[str]]:
    """The values of each column; empty where the text has no two lines of as many words."""
    lines = [line.split() for line in text.split("\n")[:MAX_LINES] if line.strip()]
    if not lines:
        return {}
    names = [cleaned_name(word) for word in lines[0]]
    found: dict[str, list[str]] = {}
    for words in lines[1:]:
        if len(words) != len(names):
            continue
        for name, word in zip(names, words, strict=True):
            if name:
                found.setdefault(name, []).append(word)
    return found
