"""The table of all rules by code, from which findings are made and the documentation is written."""
