"""The built-in MCP servers: kubernetes, github and cloudwatch, over the official client libraries.

One process on the loopback address, apart from the toolrunner; every tool only reads.
"""
