"""A reasoner that ends in the midst of certain turns, as if it had run out of memory."""
