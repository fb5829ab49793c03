"""`nightshift preview`: what it reads, what it shows, and the pictures of the cards."""
