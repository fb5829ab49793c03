"""The `nightshift` command: one file per subcommand."""
