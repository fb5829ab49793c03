"""Tests of `nightshift eval`: grading by hand-made answers, and the whole by its command."""
