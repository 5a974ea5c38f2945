"""What a change of a schema means: its kinds, how they are told apart, how they are graded. All of it is pure."""
