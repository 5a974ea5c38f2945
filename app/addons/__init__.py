"""Add-ons: from a sample of a log source to a validated Splunk technology add-on.

The pure half (`generator`, `replay`, `lint`, `package`, and what they stand on) knows no session and no network.
"""
