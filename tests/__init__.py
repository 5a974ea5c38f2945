"""The tests. While they import the service, the collector need not look for garbage again and again: there is none."""

import gc

gc.set_threshold(100_000, 50, 100)
