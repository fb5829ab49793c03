"""The services under fire: real processes, a real Redis, and faults from outside.

Every test has two sizes: a sample, which `make test` runs, and the full lane of `make chaos`.
"""
