"""handgrad's native engine, on unconverted rows."""

from peers import _engine


def full_batch(task, threads):
    return _engine.full_batch("native", task, task.X, threads)


def batches(task, threads):
    return _engine.batches("native", task, task.X, threads)


def predict(task, threads):
    return _engine.predict("native", task, task.X, threads)


def predict_one(task, threads):
    return _engine.predict_one("native", task, task.X, threads)
