"""The `nightshift` command as a user runs it: what it says, and how it ends."""
