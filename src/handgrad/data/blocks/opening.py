"""Opens a source as blocks of rows."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.data.blocks.blocks import Blocks, check_leaf_rows
from handgrad.data.blocks.cache import CachedLeaves, make_folder
from handgrad.data.blocks.census import LEAF_ROWS, take_census
from handgrad.data.blocks.columns import Wanted
from handgrad.data.blocks.kinds import name_of, openers
from handgrad.data.blocks.parts import TEST, TRAIN, chosen_part
from handgrad.data.blocks.tables import TableLeaves, TableRows
from handgrad.data.dataset import Part, Parts
from handgrad.data.named import NAMED
from handgrad.data.targets import USUAL_LABEL, TargetColumns
from handgrad.errors import DataError
from handgrad.quoting import named

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from handgrad.data.blocks.tables import Opened
    from handgrad.data.targets import Predicts


def open_blocks(
    source: Any,
    label: str | Sequence[str] = USUAL_LABEL,
    *,
    predicts: Predicts = "classes",
    features: Sequence[str] | None = None,
    leaf_rows: int = LEAF_ROWS,
    cache: str | os.PathLike[str] | None = None,
    part: str | None = None,
    on_pass: Callable[[str], object] | None = None,
) -> Blocks:
    """Open labelled rows as blocks: leaves of a fixed number of consecutive rows.

    A first pass over the targets finds the classes, and checks labels and values. Rows are read
    when a leaf is.

    Parameters
    ----------
    source : path, address, dataset, sequence, or (X, y)
        A file, a folder, or a pattern such as ``rows/*.parquet``: Parquet, Arrow or Feather, CSV
        with a header, NPZ, a folder with ``X.npy`` and ``y.npy``, or the IDX files of MNIST. The
        files of a folder are read in the order of their names. Any address of fsspec works, too,
        such as ``s3://bucket/folder``. Also a `datasets.Dataset`, a sequence whose items are a row
        and its label, as in PyTorch, and a pair of arrays, of which X may be CSR of SciPy.
    label : str or sequence of str
        Name of the label column, or of the columns of several labels or values. All other columns
        are features, in their order. Labels and values of sources whose columns have no names get
        these names.
    predicts : {"classes", "labels", "values"}
        What is to be predicted: the class of a row; several labels, each 0 or 1; or values, each a
        finite number.
    features : sequence of str, optional
        The columns to read, in this order.
    leaf_rows : int
        Rows per leaf.
    cache : path, optional
        A folder of this machine where decoded rows are kept as they are read, so that later passes
        and runs need not decode them again. It is created if it is missing.
    part : str, optional
        Which part to open if the names of files or folders name parts, such as
        ``train-00000-of-00004.parquet`` and ``test/rows.csv``; by default the training part.
    on_pass : callable, optional
        Called with a text that says what the first pass reads.

    Returns
    -------
    Blocks
        Rows are ``uint8`` if they are pixels (bytes of fixed size, lists of ``uint8``, pictures,
        whole numbers in columns named ``pixel0`` … or ``1x1`` …), ``float32`` if all columns are,
        otherwise ``float64``.

    Raises
    ------
    DataError
        If the source does not exist, is damaged, or has no labels.
    MissingPackageError
        If the source needs a package that is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> blocks = open_blocks((np.eye(3), ["a", "b", "a"]), leaf_rows=2)
    >>> [blocks.read(leaf)[1].tolist() for leaf in range(len(blocks))]
    [[0, 1], [0]]
    """
    check_leaf_rows(leaf_rows)
    targets = TargetColumns.of(label, predicts)
    if isinstance(source, tuple) and len(source) == 2 and hasattr(source[0], "shape"):
        return _of_arrays(*source, leaf_rows, targets)
    name = name_of(source)
    if name in NAMED:
        return _of_parts(name, NAMED[name](), leaf_rows, part, targets)
    both = [column for column in targets.names if column in (features or ())]
    if both:
        raise DataError(
            f"{named(both[0])} is the label column and also one of the features; expected other "
            "columns as features."
        )
    wanted = Wanted(targets, None if features is None else tuple(features), needs_labels=True)
    parts = openers(source, wanted)
    chosen = chosen_part(name, parts, part)
    opened = parts[chosen]()
    blocks = _counted(name, opened, leaf_rows, targets, on_pass or (lambda _: None))
    if cache is not None:
        blocks = _cached(blocks, opened, cache)
    if chosen == TRAIN and TEST in parts:
        test = partial(
            open_blocks,
            source,
            label,
            predicts=predicts,
            features=features,
            leaf_rows=leaf_rows,
            cache=cache,
            part=TEST,
        )
        blocks = replace(blocks, test=test)
    return blocks


def _of_arrays(X: Any, y: Any, leaf_rows: int, targets: TargetColumns) -> Blocks:
    names = None if targets.names == (USUAL_LABEL,) else targets.names
    return Blocks.of(X, y, leaf_rows=leaf_rows, predicts=targets.predicts, target_names=names)


def _of_parts(
    name: str, parts: Parts, leaf_rows: int, part: str | None, targets: TargetColumns
) -> Blocks:
    """Return rows that were read into memory as blocks."""
    by_name: dict[str | None, Part] = {TRAIN: parts.train}
    if parts.test is not None:
        by_name[TEST] = parts.test
    chosen = chosen_part(name, by_name, part)
    X, labels, image_shape, _, feature_names, _ = by_name[chosen]
    if labels is None:
        raise DataError(f"{named(name)} has no {targets.noun}s; expected one per row to train on.")
    blocks = Blocks.of(
        X,
        np.array(labels),
        leaf_rows=leaf_rows,
        source=name,
        feature_names=feature_names,
        image_shape=image_shape,
        written=True,
        predicts=targets.predicts,
    )
    if chosen == TRAIN and TEST in by_name:
        blocks = replace(blocks, test=partial(_of_parts, name, parts, leaf_rows, TEST, targets))
    return blocks


def read_samples(source: Any, targets: TargetColumns, features: Sequence[str] | None) -> Part:
    """Read the test part of a source into memory, or all rows if it names no parts."""
    wanted = Wanted(targets, None if features is None else tuple(features), needs_labels=False)
    parts = openers(source, wanted)
    chosen = TEST if TEST in parts else chosen_part(name_of(source), parts, None)
    opened = parts[chosen]()
    rows = TableRows(opened.tables, opened.shape)
    X, found = rows.read(0, rows.rows)
    labels: Any = None
    if found and targets.predicts == "classes":
        labels = [shared.values[code] for shared in found for code in shared.codes.tolist()]
    elif found:
        labels = np.concatenate(found)
    shape = opened.shape
    return Part(X, labels, shape.image_shape, None, shape.feature_names, opened.names or None)


def _cached(blocks: Blocks, opened: Opened, cache: str | os.PathLike[str]) -> Blocks:
    """Keep the decoded rows of blocks in a folder."""
    stamps = [table.stamp for table in opened.tables]
    if "" in stamps:
        raise DataError(
            f"{named(blocks.source)} cannot be cached, because nothing tells when it changes; "
            "expected files, or a datasets.Dataset."
        )
    identity = json.dumps([stamps, blocks.labels_digest, blocks.classes.tolist(), opened.choice])
    leaves = CachedLeaves(
        blocks.reader,
        make_folder(cache),
        identity,
        blocks.sizes.tolist(),
        blocks.features,
        blocks.dtype,
        len(blocks.columns),
    )
    return replace(blocks, reader=leaves)


def _counted(
    name: str,
    opened: Opened,
    leaf_rows: int,
    targets: TargetColumns,
    on_pass: Callable[[str], object],
) -> Blocks:
    """Find the classes of opened tables, or check their labels or values."""
    tables, shape, written, _, columns = opened
    predicts = targets.predicts
    files = f", {len(tables):,} files" if len(tables) > 1 else ""
    on_pass(f"reading the {targets.noun}s of {named(name)}{files}")
    found = [(table.name, table.targets()) for table in tables]
    census = take_census(found, leaf_rows, predicts, written=written)
    if not len(census.counts):
        raise DataError(f"{named(name)} holds no rows; expected at least {targets.fewest}.")
    if not shape.features:
        raise DataError(f"{named(name)} holds rows without values; expected at least one feature.")
    return Blocks(
        TableLeaves(TableRows(tables, shape), census.numbers, leaf_rows),
        census.counts,
        census.classes,
        shape.features,
        shape.dtype,
        name,
        census.digest,
        leaf_rows,
        shape.feature_names,
        shape.image_shape,
        predicts=predicts,
        columns=columns,
    )
