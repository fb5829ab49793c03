"""To see inside: what investigations do now (`watch`), and all about one of them (`show`)."""
