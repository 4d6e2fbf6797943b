"""What several components compute with; it knows none of them."""
