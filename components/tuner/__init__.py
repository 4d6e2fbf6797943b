"""Hyperparameters, chosen by k-fold cross-validation."""
