"""The rules, each a function from the package to its findings, grouped by what they look at."""
