"""Bugs planted on purpose, each of which some test has to see."""
