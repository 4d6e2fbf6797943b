"""The demo that needs no network: printed letters to learn from, real digits to learn."""
