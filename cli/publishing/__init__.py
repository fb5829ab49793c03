"""`nightshift publish`: a test incident onto the stream, or what a real sender sends to ingest."""
