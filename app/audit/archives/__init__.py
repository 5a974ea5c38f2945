"""Archives: signed statements that the rows of some seals are kept in an object."""
