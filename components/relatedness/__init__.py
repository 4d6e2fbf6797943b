"""Relatedness: whether the base's features suit these images, told before anything is trained."""
