"""Everything of the toolrunner that touches the outside, one file each."""
