"""What reaches Slack, and the keys in Redis that only the notifier writes."""
