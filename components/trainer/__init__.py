"""Trainer: a frozen base and a new head, then the top of the base; exported to answer encoded images."""
