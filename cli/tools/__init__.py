"""`nightshift tools`: which tools were reviewed, and pinning them anew."""
