"""The red team: attacks that always arrive, and a judge that is shown to see."""
