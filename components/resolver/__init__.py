"""Resolver: which earlier model a candidate is compared with."""
