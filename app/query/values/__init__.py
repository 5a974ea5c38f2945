"""The index of values: which texts of a question stand in the data, and where."""
