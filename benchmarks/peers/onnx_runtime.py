"""ONNX Runtime, for prediction."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from peers._rows import float_rows


def _session(task, threads):
    W1, b1, W2, b2 = task.parameters
    tensors = {"W1": W1, "b1": b1[:, 0], "W2": W2, "b2": b2[:, 0]}
    nodes = [
        helper.make_node("Gemm", ["X", "W1", "b1"], ["Z1"], transB=1),
        helper.make_node("Relu", ["Z1"], ["A1"]),
        helper.make_node("Gemm", ["A1", "W2", "b2"], ["Z2"], transB=1),
        helper.make_node("Softmax", ["Z2"], ["A2"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, W1.shape[1]])],
        [helper.make_tensor_value_info("A2", TensorProto.FLOAT, [None, len(W2)])],
        [numpy_helper.from_array(np.array(value), name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )


def predict(task, threads):
    session, X = _session(task, threads), float_rows(task.X)
    first = [True]

    def run():
        probabilities = session.run(None, {"X": X})[0]
        if first:
            first.clear()
            return np.mean(np.square(probabilities, dtype=np.float64))
        return 0

    return lambda: None, run


def predict_one(task, threads):
    session, X = _session(task, threads), float_rows(task.X)
    samples = [X[i : i + 1] for i in range(task.steps)]
    return lambda: None, lambda: sum(
        [int(session.run(None, {"X": x})[0].argmax()) for x in samples]
    )
