"""The outside world on one machine.

Cluster, source host, alarms, chat, traces and a scripted model.

Every stand-in speaks the real protocol on the wire and refuses what the real one refuses.
Nothing in `services/` or `bus/` knows about it.
"""
