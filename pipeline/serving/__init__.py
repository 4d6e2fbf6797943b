"""Served models on disk, and predictions with them."""
