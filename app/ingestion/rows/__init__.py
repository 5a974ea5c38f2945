"""What a row is under a contract, and what its values are: the same in every format."""
