"""Ingest: turns CloudWatch alarms into incidents, and refuses the rest.

Consumes an SQS queue (alarms wrapped by SNS or EventBridge, or as they are).
Publishes `IncidentOpened`, `AlarmJoined`, `AlarmRecovered`, `FeedbackGiven`, notices, dead letters.
Owns `fingerprint:*`, `backlog` and `places`, and reads `stops` to free places.
Never talks to a model, a cluster or Slack; never holds a bot token.
"""
