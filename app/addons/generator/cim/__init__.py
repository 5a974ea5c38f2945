"""Splunk's Common Information Model: which data models a source's events belong to, and what maps its fields there.

`propose` is the entrance; `kinds` says what is evidence for which model, `synonyms` what vendors call the fields,
`roles` which of a source's fields is which, `actions` how outcomes are normalised.
"""
