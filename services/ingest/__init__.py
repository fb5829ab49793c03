"""Ingest: turns alarms and errors into incidents, and refuses the rest.

Consumes an SQS queue (alarms by SNS or EventBridge, log batches), and what SNS, Alertmanager and
Amazon Data Firehose post; asks CloudWatch at its start.
Publishes `IncidentOpened`, `AlarmRecovered`, and for what cannot be read dead letters and notices.
Owns the `fingerprint:*` keys. Never talks to a model, a cluster or Slack; never holds a bot token.
"""
