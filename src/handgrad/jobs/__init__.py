"""Whole jobs: a source in, a report out. The commands are calls of these."""
