"""NumPy: handgrad's reference engine, on float32 rows."""

from peers import _engine
from peers._rows import float_rows


def full_batch(task, threads):
    return _engine.full_batch("reference", task, float_rows(task.X), threads)


def batches(task, threads):
    return _engine.batches("reference", task, float_rows(task.X), threads)


def predict(task, threads):
    return _engine.predict("reference", task, float_rows(task.X), threads)


def predict_one(task, threads):
    return _engine.predict_one("reference", task, float_rows(task.X), threads)
