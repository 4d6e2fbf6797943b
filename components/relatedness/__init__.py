"""Relatedness: how related a base is to the images, measured before any training."""
