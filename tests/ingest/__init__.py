"""Tests of ingest: pure ones, and the service over SQS and Redis on the wire."""
