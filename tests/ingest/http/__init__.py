"""Ingest's doors over HTTP: forged, too long, too slow, too many, and as they should be."""
