"""A whole job on Spark: MultilayerPerceptronClassifier, from Parquet files to a trained network.

The rows are Spark's own dense vectors, which it reads fastest. Prints JSON: the seconds until the
network was trained since the process was started, and since Spark was ready; those of fits with
other numbers of iterations; and how well the first network does.
"""

import argparse
import json
import math
import time

from pyspark.ml.classification import MultilayerPerceptronClassifier
from pyspark.ml.functions import array_to_vector
from pyspark.sql import SparkSession

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("train", help="Parquet files with the columns features and label")
parser.add_argument("test")
parser.add_argument("--convert", action="store_true", help="lists of numbers: write vectors")
parser.add_argument("--started", type=float, default=time.time(), help="when the process was")
parser.add_argument("--iterations", type=int, nargs="+", default=[100])
parser.add_argument("--solver", default="gd")
parser.add_argument("--learning-rate", type=float, default=3.0)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--block-size", type=int, default=512)
parser.add_argument("--partitions", type=int, default=2)
parser.add_argument("--java", default="-XX:+UseSerialGC", help="options of the Java machine")
chosen = parser.parse_args()

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "4g")
    .config("spark.driver.extraJavaOptions", chosen.java)
    .config("spark.sql.shuffle.partitions", chosen.partitions)
    .config("spark.default.parallelism", chosen.partitions)
    .config("spark.ui.enabled", "false")
    .config("spark.log.level", "ERROR")
    .getOrCreate()
)
ready = time.time()


def convert(folder):
    """Write lists of numbers as vectors, one file per partition."""
    rows = spark.read.parquet(folder)
    vectors = rows.select(array_to_vector(rows.features).alias("features"), "label")
    vectors.coalesce(1).repartition(chosen.partitions).write.parquet(f"{folder}-vectors")


def fitted(rows, iterations):
    """Train; return the model and the seconds that it took."""
    start = time.time()
    classifier = MultilayerPerceptronClassifier(
        layers=[784, 10, 10],
        solver=chosen.solver,
        maxIter=iterations,
        tol=0,
        blockSize=chosen.block_size,
        stepSize=chosen.learning_rate,
        seed=chosen.seed,
    )
    return classifier.fit(rows), time.time() - start


def scores(model, rows):
    """Return accuracy and cost of a model."""
    found = model.transform(rows).select("prediction", "probability", "label").collect()
    hits = sum(row.prediction == row.label for row in found)
    loss = -sum(math.log(max(row.probability[row.label], 1e-300)) for row in found)
    return hits / len(found), loss / len(found)


if chosen.convert:
    convert(chosen.train)
    convert(chosen.test)
else:
    rows = spark.read.parquet(chosen.train)
    first, *others = chosen.iterations
    model, seconds = fitted(rows, first)
    trained = time.time()
    accuracy, cost = scores(model, spark.read.parquet(chosen.test))
    report = {
        "job": trained - chosen.started,
        "job_without_start": trained - ready,
        "accuracy": accuracy,
        "cost": cost,
        "fits": {count: fitted(rows, count)[1] for count in others},
    }
    print(json.dumps(report))
spark.stop()
