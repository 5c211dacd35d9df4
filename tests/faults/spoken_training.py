"""handgrad train, which prints how many iterations each checkpoint holds when it is written.

python spoken_training.py ARGUMENTS
"""

from __future__ import annotations

import sys
from unittest import mock

from handgrad.__main__ import main
from handgrad.files.checkpoint import save_checkpoint


def save_and_tell(checkpoint, path):
    """Write a checkpoint, and say so."""
    save_checkpoint(checkpoint, path)
    print(checkpoint.state.iterations, flush=True)


if __name__ == "__main__":
    with mock.patch("handgrad.jobs.checkpoints.save_checkpoint", save_and_tell):
        main(["train", *sys.argv[1:]])
