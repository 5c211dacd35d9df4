"""How many threads there are, and how BLAS is kept from taking an engine's processors."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("scipy.optimize")
threadpoolctl = pytest.importorskip("threadpoolctl")

from handgrad.engines.threads import one_blas_thread  # noqa: E402


def blas_threads():
    return [
        library["num_threads"]
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    ]


@pytest.fixture(autouse=True)
def several_threads():
    if not blas_threads() or min(blas_threads()) < 2:
        pytest.skip("BLAS has one thread here")


def test_blas_has_one_thread_within_a_block_and_its_own_after_it():
    before = blas_threads()
    with one_blas_thread():
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_an_error_gives_the_threads_back():
    before = blas_threads()
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert blas_threads() == before


def test_blocks_that_overlap_in_several_threads_give_the_threads_back():
    before = blas_threads()
    other_is_in, this_is_out = threading.Event(), threading.Event()

    def other():
        with one_blas_thread():
            other_is_in.set()
            this_is_out.wait(60)

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        assert other_is_in.wait(60)
        assert set(blas_threads()) == {1}
    assert blas_threads() == before
    this_is_out.set()
    thread.join()
    assert blas_threads() == before
