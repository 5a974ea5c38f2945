"""Archiving: sealed rows are written into verified objects before they leave the log."""
