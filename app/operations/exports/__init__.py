"""Exports: data on its way out as files, made in the background, from sources that every plane registers."""
