"""Recycled memory is given out again only when nothing refers to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handgrad.data.blocks.recycling import Recycled


@given(st.data())
def test_arrays_in_use_keep_their_values(data):
    memory = Recycled(most=data.draw(st.integers(0, 4)))
    used: list[tuple[int, np.ndarray]] = []
    for mark in range(data.draw(st.integers(1, 20))):
        shape = data.draw(st.tuples(st.integers(0, 5), st.integers(0, 5)))
        array = memory.empty(shape, np.dtype(data.draw(st.sampled_from(["u1", "f4", "f8"]))))
        assert array.shape == shape
        array[:] = mark
        view = data.draw(st.sampled_from([array, array[1:], array.T, array.ravel()[:3]]))
        used.append((mark, view))
        del array
        if data.draw(st.booleans()):
            used.pop(data.draw(st.integers(0, len(used) - 1)))
        assert all((view == mark).all() for mark, view in used)


def test_memory_is_used_again():
    memory = Recycled(most=2)
    place = memory.empty((100,), np.dtype("f8")).ctypes.data
    assert {memory.empty((50, 2), np.dtype("f8")).ctypes.data for _ in range(5)} == {place}


def test_a_larger_array_takes_the_place_of_a_smaller_one():
    memory = Recycled(most=1)
    memory.empty((10,), np.dtype("f8"))
    place = memory.empty((1000,), np.dtype("f8")).ctypes.data
    assert {memory.empty((size,), np.dtype("f8")).ctypes.data for size in (900, 1000)} == {place}


def test_threads_never_share_an_array_in_use():
    memory = Recycled(most=4)

    def fill(mark: int) -> bool:
        array = memory.empty((1000,), np.dtype("i8"))
        array[:] = mark
        return bool((np.asarray(array) == mark).all())

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(fill, range(2000)))
