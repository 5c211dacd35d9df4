"""Which worker holds which leaves: shares of similar size, which change as little as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Range: TypeAlias = tuple[int, int]
"""The first leaf, and the one after the last."""
Share: TypeAlias = tuple[Range, ...]
"""The leaves of a worker, as ranges in their order."""

ROUNDEST = 1 << 62  # the roundness of 0
SLACK = 0.015  # of a share: how far a cut may lie from the even one, to be a rounder number


def plan(
    leaves: int, threads: Mapping[str, int], before: Mapping[str, Share] | None = None
) -> dict[str, Share]:
    """Share leaves among workers by their threads.

    A worker that had a share before keeps as much of it as it should have. Cuts lie at multiples
    of a high power of two, so that few nodes of the tree of sums cover a share.

    Parameters
    ----------
    leaves : int
    threads : dict of str to int
        The threads of each worker, by its address.
    before : dict of str to ranges, optional
        An earlier plan, also of workers that are gone.

    Returns
    -------
    dict of str to ranges
        Workers that get nothing are left out.

    Examples
    --------
    >>> plan(8, {"a": 1, "b": 1})
    {'a': ((0, 4),), 'b': ((4, 8),)}
    >>> plan(8, {"a": 1, "c": 1}, before={"a": ((0, 4),), "b": ((4, 8),)})
    {'a': ((0, 4),), 'c': ((4, 8),)}
    """
    total = sum(threads.values())
    even = {worker: leaves * count / total for worker, count in threads.items()}
    kept = {}
    for worker, size in even.items():
        had = (before or {}).get(worker, ())
        is_fair = count(had) <= size + 2 * SLACK * size + 1
        kept[worker] = had if is_fair else _part(had, 0, _cut(had, size, SLACK * size))
    free = _without([r for share in kept.values() for r in share], leaves)
    missing = {w: max(size - count(kept[w]), 0.0) for w, size in even.items()}
    shares = _dealt(free, kept, missing)
    return {worker: share for worker, share in shares.items() if share}


def count(share: Share) -> int:
    """Count the leaves of a share."""
    return sum(stop - start for start, stop in share)


def numbers(share: Share) -> Iterator[int]:
    """Return the leaves of a share, one after another."""
    for start, stop in share:
        yield from range(start, stop)


def cover(share: Share, leaves: int) -> list[tuple[int, int]]:
    """Return the fewest nodes (level, index) of the tree of sums that cover a share.

    Examples
    --------
    >>> cover(((4, 7),), leaves=7), cover(((0, 3),), leaves=7)
    ([(2, 1)], [(1, 0), (0, 2)])
    """
    return list(_inside(share, leaves, (leaves - 1).bit_length(), 0))


def _inside(share: Share, leaves: int, level: int, index: int) -> Iterator[tuple[int, int]]:
    start, stop = index << level, min((index + 1) << level, leaves)
    if any(first <= start and stop <= end for first, end in share):
        yield level, index
    elif any(first < stop and start < end for first, end in share):
        yield from _inside(share, leaves, level - 1, 2 * index)
        yield from _inside(share, leaves, level - 1, 2 * index + 1)


def _dealt(
    free: Share, kept: Mapping[str, Share], missing: Mapping[str, float]
) -> dict[str, Share]:
    """Add the free leaves to the shares of workers that miss some."""
    size, wanted = count(free), sum(missing.values())
    shares, start, sought = dict(kept), 0, 0.0
    needy = [worker for worker, share in missing.items() if share > 0]
    slack = SLACK * min((count(kept[w]) + missing[w] for w in needy), default=0)
    for worker in needy:
        sought += missing[worker] * size / wanted
        stop = max(_cut(free, sought, slack), start)
        stop = size if worker == needy[-1] else stop
        shares[worker] = _merged([*kept[worker], *_part(free, start, stop)])
        start = stop
    return shares


def _cut(share: Share, target: float, slack: float) -> int:
    """Return how many leaves of a share to take: near the target, up to a round number."""
    most = count(share)
    nearest = min(round(target), most)
    within = range(max(int(target - slack) + 1, 0), min(int(target + slack), most) + 1)
    roundest: int = max([nearest, *within], key=lambda taken: _roundness(share, taken))
    return roundest


def _roundness(share: Share, taken: int) -> int:
    """Return the largest power of two that divides the leaf of a cut."""
    if taken in (0, count(share)):
        return ROUNDEST
    leaf = next(numbers(_part(share, taken, taken + 1)))
    return leaf & -leaf or ROUNDEST


def _part(share: Share, first: int, last: int) -> Share:
    """Return the leaves of a share from the first to before the last, as counted in it."""
    parts, passed = [], 0
    for start, stop in share:
        left, right = start + max(first - passed, 0), min(stop, start + last - passed)
        if left < right:
            parts.append((left, right))
        passed += stop - start
    return tuple(parts)


def _without(ranges: Sequence[Range], leaves: int) -> Share:
    """Return the leaves that no range holds."""
    left, start = [], 0
    for first, last in [*sorted(ranges), (leaves, leaves)]:
        if start < first:
            left.append((start, first))
        start = max(start, last)
    return tuple(left)


def _merged(ranges: Iterable[Range]) -> Share:
    merged: list[Range] = []
    for start, stop in sorted(ranges):
        if merged and merged[-1][1] == start:
            merged[-1] = merged[-1][0], stop
        else:
            merged.append((start, stop))
    return tuple(merged)
