"""`nightshift policy`: what a policy says of calls, before anybody makes one."""
