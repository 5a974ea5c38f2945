"""What `spyne demo` brings: its data, its joins and its questions; the steps are in `app/commands/demonstration.py`."""
