"""Decoder: decodes and resizes every image once, by the transform graph, and keeps its pixels."""
