"""Tests of jobs as people see them."""
