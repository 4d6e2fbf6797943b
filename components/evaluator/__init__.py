"""Evaluator: metrics overall and on slices, and the thresholds of the blessing."""
