"""The reasoner: concepts as plain functions, the service over a real Redis and HTTP."""
