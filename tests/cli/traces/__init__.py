"""`nightshift trace`."""
