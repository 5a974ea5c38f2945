"""Jobs by the clock: daily checks, and leftovers that are swept."""
