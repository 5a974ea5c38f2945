"""What a domain brings into the house, and what the kernel itself brings."""
