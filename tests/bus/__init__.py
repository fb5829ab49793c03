"""Tests of what crosses service borders."""
