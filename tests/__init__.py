"""The tests mirror the source tree; see CONTRIBUTING.md."""
