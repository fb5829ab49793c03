"""The four real processes, a real Redis, and the simulated outside world: what a user sees."""
