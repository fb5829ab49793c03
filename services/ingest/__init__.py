"""Ingest: turns alarms, errors and what people ask in Slack into incidents, and refuses the rest.

Consumes an SQS queue (alarms by SNS or EventBridge, log batches), what SNS, Alertmanager, Amazon
Data Firehose and Slack post, and Slack's socket; asks CloudWatch at its start.
Publishes `IncidentOpened`, `AlarmJoined`, `AlarmRecovered`, `FeedbackGiven`, the end of a stopped
investigation, notices and dead letters.
Owns `fingerprint:*`, `backlog` and `places`, and reads `stops` to free places.
Never talks to a model or a cluster, never posts in Slack (it answers one person who asked), never
holds a bot token.
"""
