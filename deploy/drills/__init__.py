"""Faults for the shop, to see what becomes of them; README.md has each."""
