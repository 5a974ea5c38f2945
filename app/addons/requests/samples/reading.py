"""The samples of a request as one text, for the generator and the replay."""

import asyncio
import codecs
from collections.abc import Sequence
from typing import Final

from app.addons.requests.samples.encodings import Encoding, decoded
from app.addons.requests.samples.models import LogSample
from app.kernel.storage.object_storage import ObjectStorage

WORK_BYTES: Final = 4 << 20
"""Of all samples together that are worked with, as they are kept: some ten thousand lines. The longest samples are cut
at a line; every sample has its share."""

_MARKS: Final = {Encoding.UTF_16_LE: codecs.BOM_UTF16_LE, Encoding.UTF_16_BE: codecs.BOM_UTF16_BE}


async def read_samples(storage: ObjectStorage, samples: Sequence[LogSample]) -> bytes:
    """The texts one after another, each ended by a line break.

    In the encoding of the samples, with its byte order mark, when all have the same: the generator reads from it what
    Splunk is to be told (props.conf.spec, CHARSET). Else in UTF-8. Raises `ObjectNotFound`, `StorageUnavailable`.
    """
    share = WORK_BYTES // max(1, len(samples))
    texts = []
    for sample in samples:
        blocks = [block async for block in storage.get_stream(sample.object_key, 0, share)]
        encoding = Encoding(sample.encoding)
        texts.append(await asyncio.to_thread(_text, b"".join(blocks), encoding, cut=sample.bytes > share))
    encodings = {Encoding(sample.encoding) for sample in samples}
    return await asyncio.to_thread(_encoded, texts, encodings.pop() if len(encodings) == 1 else Encoding.UTF_8)


def _text(data: bytes, encoding: Encoding, *, cut: bool) -> str:
    text = decoded(data, encoding)
    if cut and "\n" in text:
        text = text[: text.rindex("\n")]
    return text if text.endswith("\n") else f"{text}\n"


def _encoded(texts: Sequence[str], encoding: Encoding) -> bytes:
    return _MARKS.get(encoding, b"") + "".join(texts).encode(encoding, "replace")
