"""The peers, one per file: each function gets a task and prepares it.

It returns two functions: one resets everything to the initial state; the other, which is timed,
does the work and returns a figure that all peers must agree on.
"""
