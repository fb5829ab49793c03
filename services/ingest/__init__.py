"""Ingest: turns CloudWatch alarms into incidents, and refuses the rest.

Consumes an SQS queue (alarms wrapped by SNS or EventBridge, or as they are), and what SNS,
Alertmanager and Amazon Data Firehose post.
Publishes `IncidentOpened`, `AlarmRecovered`, and for what cannot be read dead letters and notices.
Owns the `fingerprint:*` keys. Never talks to a model, a cluster or Slack; never holds a bot token.
"""
