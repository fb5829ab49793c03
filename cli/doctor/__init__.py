"""`nightshift doctor`: what is set, what answers, what is missing, and what to do about it."""
