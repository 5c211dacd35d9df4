"""A whole job with handgrad: from Parquet files to a trained network, here or on Dask.

Prints JSON, like spark.py.
"""

import argparse
import json
import time
from contextlib import ExitStack

from handgrad import Network, data, get_engine
from handgrad.evaluation import evaluate
from handgrad.objective import Objective


def trained(session, network, iterations):
    """Train; return the network and the seconds that it took."""
    start = time.time()
    if chosen.solver == "gd":
        settings = {"learning_rate": chosen.learning_rate, "iterations": iterations}
        network = session.descend(network, **settings)[0]
    else:
        network = lbfgs(session, network, iterations)
    return network, time.time() - start


def lbfgs(session, network, iterations):
    """Train with L-BFGS."""
    from handgrad.solvers import Training
    from handgrad.solvers.training import drive

    training = Training(solver="lbfgs", iterations=iterations, tol=0)
    run = drive(training.driver(), training.prepare(get_engine()), session, network)
    return run.network


def main():
    """Train, and score the network of the first number of iterations."""
    with ExitStack() as stack:
        engine = get_engine()
        if chosen.dask:
            from handgrad.engines.dask import DaskEngine

            engine = stack.enter_context(DaskEngine("local"))
        blocks = data.open_blocks(chosen.train)
        ready = time.time()
        session = engine.session(blocks, None, Objective())
        first, *others = chosen.iterations
        network, _ = trained(session, Network.initial(seed=chosen.seed), first)
        finished = time.time()
        found = evaluate(network, *data.open_blocks(chosen.test).load(), engine=get_engine())
        report = {
            "job": finished - chosen.started,
            "job_without_start": finished - ready,
            "accuracy": found.accuracy,
            "cost": found.cost,
            "fits": {n: trained(session, Network.initial(seed=chosen.seed), n)[1] for n in others},
        }
    print(json.dumps(report))


if __name__ == "__main__":  # the workers of a cluster import this file
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", help="Parquet files")
    parser.add_argument("test")
    parser.add_argument("--dask", action="store_true", help="on a local cluster of two processes")
    parser.add_argument("--started", type=float, default=time.time(), help="when the process was")
    parser.add_argument("--iterations", type=int, nargs="+", default=[100])
    parser.add_argument("--solver", default="gd", choices=("gd", "lbfgs"))
    parser.add_argument("--learning-rate", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    main()
