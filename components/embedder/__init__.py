"""Embedder: runs the frozen part of the base once an image, and keeps what it answers."""
