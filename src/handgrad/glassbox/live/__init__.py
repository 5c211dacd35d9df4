"""The live page: a run that is watched and steered from the browser."""
