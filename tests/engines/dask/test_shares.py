"""Which worker holds which leaves."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from handgrad.engines.dask.shares import count, cover, numbers, plan

LEAVES = st.integers(1, 3000)
THREADS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 8), min_size=1)


def _all_of(shares):
    return sorted(chain.from_iterable(map(numbers, shares.values())))


@given(LEAVES, THREADS, THREADS, THREADS)
def test_every_leaf_has_one_worker_whoever_comes_and_goes(leaves, first, second, third):
    shares = None
    for threads in (first, second, third):
        shares = plan(leaves, threads, shares)
        assert _all_of(shares) == list(range(leaves))
        assert set(shares) <= set(threads)


@given(LEAVES, THREADS, THREADS)
def test_shares_are_even_to_three_percent_and_a_leaf(leaves, first, second):
    for threads in (first, second):
        shares = plan(leaves, threads)
        for worker, of_worker in threads.items():
            even = leaves * of_worker / sum(threads.values())
            assert abs(count(shares.get(worker, ())) - even) <= 1 + 0.03 * even


@given(LEAVES, THREADS)
def test_the_same_workers_keep_their_shares(leaves, threads):
    shares = plan(leaves, threads)
    assert plan(leaves, threads, shares) == shares


@given(LEAVES, THREADS, THREADS)
def test_a_worker_keeps_what_it_should_have(leaves, first, second):
    before = plan(leaves, first)
    after = plan(leaves, second, before)
    for worker in set(before) & set(second):
        even = leaves * second[worker] / sum(second.values())
        common = set(numbers(before[worker])) & set(numbers(after.get(worker, ())))
        assert len(common) >= min(count(before[worker]), even * 0.985 - 1)


@given(LEAVES, THREADS, THREADS)
def test_nodes_cover_a_share_exactly(leaves, first, second):
    for share in plan(leaves, second, plan(leaves, first)).values():
        covered = [
            leaf
            for level, index in cover(share, leaves)
            for leaf in range(index << level, min((index + 1) << level, leaves))
        ]
        assert covered == list(numbers(share))


def test_two_workers_need_a_handful_of_nodes():
    for leaves in range(2, 2000):
        for share in plan(leaves, {"a": 1, "b": 1}).values():
            assert len(cover(share, leaves)) <= 8
