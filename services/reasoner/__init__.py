"""Reasoner: runs the turns of investigations with a model, one turn per stream entry.

Consumes `incidents`, `turns`, `tool-results` and `updates`.
Publishes `TurnDue`, `ToolCallRequested`, `InvestigationProgressed`, `DiagnosisReached`.
Owns the transcript and the day's spend. Never runs a tool, never talks to a cluster or to Slack.
"""
