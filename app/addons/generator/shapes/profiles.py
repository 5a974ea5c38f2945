"""What a field is by its values: how many, how many are placeholders, which shape most of the others have."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from app.addons.generator.shapes.recognition import shape_of
from app.addons.generator.shapes.shape import Shape

MAX_PROFILED_VALUES = 20_000
"""Later values of a field are not looked at: a sample of that size says what the field is."""
MAX_EXAMPLES = 5
MAX_EXAMPLE_CHARACTERS = 200

_NUMBERS = frozenset({Shape.INTEGER, Shape.SIGNED, Shape.DECIMAL, Shape.EPOCH})
_COVERS: Mapping[Shape, frozenset[Shape]] = {
    Shape.IP: frozenset({Shape.IPV4, Shape.IPV6}),
    Shape.INTEGER: frozenset({Shape.INTEGER, Shape.EPOCH}),
    Shape.SIGNED: frozenset({Shape.INTEGER, Shape.SIGNED}),
    Shape.DECIMAL: frozenset({Shape.INTEGER, Shape.SIGNED, Shape.DECIMAL, Shape.EPOCH}),
    Shape.HEX: frozenset({Shape.HEX, Shape.INTEGER, Shape.HASH_MD5, Shape.HASH_SHA1, Shape.HASH_SHA256}),
    Shape.URI_PATH: frozenset({Shape.URI_PATH, Shape.PATH_UNIX}),
    Shape.HTTP_METHOD: frozenset({Shape.HTTP_METHOD, Shape.SEVERITY}),
}
"""The shapes whose values a wider shape's fragment takes too, narrowest wider shape first.

HTTP's methods TRACE and DEBUG are also severities.
"""


@dataclass(frozen=True)
class FieldProfile:
    """A field's values in figures.

    `shape` is the most frequent shape among values that are no placeholders and `share` how many of these have it;
    `covering` is the narrowest shape whose fragment takes every one of them (WORD or TEXT where nothing narrower
    does). All are PLACEHOLDER where no other value stands. `shapes` counts each shape, the most frequent first.
    `numeric_range` is the least and the greatest number among the values that are numbers.
    """

    count: int
    distinct: int
    placeholders: int
    shape: Shape
    share: float
    covering: Shape
    shapes: tuple[tuple[Shape, int], ...]
    examples: tuple[str, ...]
    constant: bool
    numeric_range: tuple[float, float] | None

    @property
    def always_placeholder(self) -> bool:
        """Whether the field never says anything (or has no value)."""
        return self.placeholders == self.count


def profile(values: Iterable[str]) -> FieldProfile:
    """The profile of the values, of which the first 20,000 count; examples are the first different ones."""
    frequencies = Counter(islice(values, MAX_PROFILED_VALUES))
    shapes: Counter[Shape] = Counter()
    numbers: list[float] = []
    examples: list[str] = []
    for value, frequency in frequencies.items():
        shape = shape_of(value)
        shapes[shape] += frequency
        if shape in _NUMBERS:
            numbers.append(float(value))
        if shape is not Shape.PLACEHOLDER and len(examples) < MAX_EXAMPLES:
            examples.append(value[:MAX_EXAMPLE_CHARACTERS])
    count = sum(frequencies.values())
    placeholders = shapes.pop(Shape.PLACEHOLDER, 0)
    if shapes[Shape.INTEGER] and shapes[Shape.EPOCH]:
        shapes[Shape.INTEGER] += shapes.pop(Shape.EPOCH)
    shapes = +shapes
    ranked = tuple(sorted(shapes.items(), key=lambda pair: (-pair[1], list(Shape).index(pair[0]))))
    return FieldProfile(
        count=count,
        distinct=len(frequencies),
        placeholders=placeholders,
        shape=ranked[0][0] if ranked else Shape.PLACEHOLDER,
        share=ranked[0][1] / (count - placeholders) if ranked else 0.0,
        covering=_covering(frozenset(shapes), frequencies),
        shapes=ranked,
        examples=tuple(examples)
        or tuple(value[:MAX_EXAMPLE_CHARACTERS] for value in islice(frequencies, MAX_EXAMPLES)),
        constant=len(frequencies) == 1,
        numeric_range=(min(numbers), max(numbers)) if numbers else None,
    )


def _covering(shapes: frozenset[Shape], values: Iterable[str]) -> Shape:
    if not shapes:
        return Shape.PLACEHOLDER
    if len(shapes) == 1:
        return next(iter(shapes))
    for wider, covered in _COVERS.items():
        if shapes <= covered:
            return wider
    meaningful = (value for value in values if shape_of(value) is not Shape.PLACEHOLDER)
    return Shape.TEXT if any(character.isspace() for value in meaningful for character in value) else Shape.WORD
