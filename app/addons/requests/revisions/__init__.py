"""Revisions of a request's package, generated or uploaded, and the validation runs of them."""
