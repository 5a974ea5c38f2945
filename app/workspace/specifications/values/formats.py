"""The syntaxes in which a specification may be written, and what HTTP calls them."""

from enum import StrEnum


class SpecificationFormat(StrEnum):
    """A syntax of RDF for a single graph."""

    TURTLE = "turtle"
    JSON_LD = "json-ld"
    N_TRIPLES = "n-triples"
    RDF_XML = "rdf-xml"

    @property
    def media_type(self) -> str:
        """The registered media type."""
        return _MEDIA_TYPES[self]

    @property
    def label(self) -> str:
        """The name by which people know the syntax."""
        return _TITLES[self]


_MEDIA_TYPES = {
    SpecificationFormat.TURTLE: "text/turtle",
    SpecificationFormat.JSON_LD: "application/ld+json",
    SpecificationFormat.N_TRIPLES: "application/n-triples",
    SpecificationFormat.RDF_XML: "application/rdf+xml",
}
_TITLES = {
    SpecificationFormat.TURTLE: "Turtle",
    SpecificationFormat.JSON_LD: "JSON-LD",
    SpecificationFormat.N_TRIPLES: "N-Triples",
    SpecificationFormat.RDF_XML: "RDF/XML",
}
