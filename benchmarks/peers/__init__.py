"""The peers, one a file: each function gets a task and prepares to do it.

It returns two functions: one brings everything back to where it was, the other, which is timed,
does the work and returns a figure that all peers must agree on.
"""
