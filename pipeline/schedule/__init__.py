"""Unattended runs: when, one at a time, tried again, and reported."""
