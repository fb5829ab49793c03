"""Tests of the reasoner: its concepts as plain functions, the service over a real Redis and HTTP."""
