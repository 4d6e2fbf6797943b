"""Resolver: which of the trained models is the candidate."""
