"""`nightshift preview`: a card as Slack would show it, and what Slack would refuse of it."""
