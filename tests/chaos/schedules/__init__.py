"""Schedules drawn by chance: who takes the next step, who dies, what comes twice or late."""
