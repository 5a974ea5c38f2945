"""Shapes of values: what a value looks like, what extracts such a value, and what a field is by its values.

`recognition` gives the shape of a value, `fragments` the expression for a shape, `profiles` what the values of a field
have in common, `names` what a field is to be called.
"""
