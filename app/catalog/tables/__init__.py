"""Tables: states, versions, history, adoption and profiles."""
