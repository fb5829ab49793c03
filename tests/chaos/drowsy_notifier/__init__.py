"""A notifier that falls asleep right before the first message that it posts of an incident."""
