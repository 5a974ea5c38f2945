"""Requests for add-ons: from a filed request over samples and an approval to a validated package."""
