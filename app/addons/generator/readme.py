"""The README of a package: which file goes where, and what the generator was not sure of."""

from collections.abc import Sequence

from app.addons.generator.composing import Identity


def readme_of(identity: Identity, kinds: Sequence[str], notes: Sequence[str]) -> str:
    """The README in Markdown."""
    return f"# {identity.title}\n"
