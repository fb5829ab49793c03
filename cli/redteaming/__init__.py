"""The red team: cases run through the real services, judged by what the outside was asked."""
