"""An ingest that deletes its alarms at once, to show that the test of power losses sees it."""
