"""Evidence for joins: what one pass over a relation keeps of each column, and what exact statements say of a pair."""
