"""Tests of the toolrunner and of its built-in servers."""
