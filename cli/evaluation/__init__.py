"""Evaluation: incidents with known answers through the real services, and what was made of them."""
