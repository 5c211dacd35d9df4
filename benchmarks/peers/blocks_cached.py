"""handgrad's native engine on blocks of rows that each step reads from a cache of decoded rows."""

from handgrad import get_engine
from peers._blocks import block_steps


def full_batch(task, threads):
    return block_steps(get_engine("native", threads=threads), task.X.blocks(cached=True), task)
