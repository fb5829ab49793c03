"""What crosses service borders: events, and the investigation state that all four share."""
