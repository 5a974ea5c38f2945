"""What happened: rows that can be added and read, and nothing else."""
