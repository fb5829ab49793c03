"""Secrets in a text become tags: pure, ordered kinds, linear time. `bus.cleaning` is the door."""
