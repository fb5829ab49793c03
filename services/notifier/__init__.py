"""The notifier: consumes incidents, updates, progress, diagnoses and notices.

Publishes the stop signal; its sweep makes conclude turns due and ends what reached its deadline.
Owns everything written to Slack: one message per incident.
Never calls a model or a tool, and never posts what it does not know as evidence.
"""
