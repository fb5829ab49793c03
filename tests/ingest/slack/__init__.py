"""Slack's ways into ingest."""
