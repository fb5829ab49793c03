"""Ingest's outside: SQS, Redis and the services file."""
