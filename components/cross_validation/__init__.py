"""Out-of-fold predictions of the frozen strategy, and what they tell: overfitting, the worth of the base."""
