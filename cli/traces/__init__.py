"""`nightshift trace`: an incident's one trace as a waterfall, from wherever spans are kept."""
