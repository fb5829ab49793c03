"""Every example is run as somebody would run it, and does what it says."""
