"""Maintenance windows: scheduled stops of writes, which begin and end by themselves at their times."""
