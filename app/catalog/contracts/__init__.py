"""Contracts: what data must look like, and how it is merged."""
