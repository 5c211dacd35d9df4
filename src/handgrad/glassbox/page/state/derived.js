/** What follows from the state: computed when asked for, and kept until the state differs. */
import { matrix, multiplyTransposedLeft } from "../math/matrix.js";
import { forward, losses, predict } from "../math/passes.js";
import { tracePass } from "../math/trace.js";
import { rowsOf } from "../data/payload.js";
import { batchOf } from "./samples.js";

/** Remembers the last result of a function, by the identity of what went in. */
function lastResult(compute) {
    let inputs = null;
    let result;
    return (...now) => {
        if (inputs === null || inputs.some((input, n) => !Object.is(input, now[n]))) {
            result = compute(...now);
            inputs = now;
        }
        return result;
    };
}

/**
 * @param {object} payload
 * @returns {{batch: (state: object) => object, trace: (state: object) => object,
 *            evaluation: (network: object) => object, dataset: () => object,
 *            evidence: (network: object, x: Float64Array, k: number) => object}}
 */
export function createDerived(payload) {
    const batch = lastResult((network, sample, meant, m) => batchOf({ network, sample, meant, m }, payload));
    const trace = lastResult((network, chosen, learningRate, mistakes) =>
        tracePass(network, chosen.X, chosen.y, learningRate, new Set(mistakes)),
    );
    const dataset = lastResult(() => datasetOf(payload));
    const evaluation = lastResult((network) => evaluate(network, dataset(), payload));

    const batchNow = (state) => batch(state.network, state.sample, state.meant, state.m);
    return {
        batch: batchNow,
        trace: (state) => trace(state.network, batchNow(state), state.learningRate, state.mistakes),
        dataset: () => dataset(),
        evaluation: (network) => evaluation(network),
        evidence: lastResult(evidenceFor),
    };
}

/** @returns {{prediction: number, probability: number}} what the network says of one sample */
export function predictionOf(network, x) {
    const { A2 } = forward(network, matrix(1, x.length, x));
    const [prediction] = predict(A2);
    return { prediction, probability: A2.data[prediction] };
}

/** All embedded samples; without labels, y is null. */
function datasetOf(payload) {
    const { samples } = payload;
    const indices = Array.from({ length: samples.count }, (_, i) => i);
    const y = samples.hasLabels ? Int32Array.from(indices, (i) => samples.label(i)) : null;
    return { X: rowsOf(samples, indices), y };
}

/** How the network does on all embedded samples. */
function evaluate(network, { X, y }, { H, K }) {
    const { Z1, Z2, A2 } = forward(network, X);
    const predictions = predict(A2);
    const m = X.rows;
    const active = new Int32Array(H); // for how many samples each hidden unit is on
    for (let h = 0; h < H; h++) {
        for (let i = 0; i < m; i++) {
            active[h] += Z1.data[h * m + i] > 0 ? 1 : 0;
        }
    }
    if (y === null) {
        return { predictions, active, losses: null, confusion: null, cost: null, accuracy: null };
    }
    const lossOf = losses(Z2, y);
    const confusion = matrix(K, K);
    let right = 0;
    for (let i = 0; i < m; i++) {
        confusion.data[y[i] * K + predictions[i]] += 1;
        right += y[i] === predictions[i] ? 1 : 0;
    }
    const cost = lossOf.reduce((sum, loss) => sum + loss, 0) / m;
    return { predictions, active, losses: lossOf, confusion, cost, accuracy: right / m };
}

/**
 * What each feature of x added to the logit of class k. Between the corners of ReLU the network
 * is a plain weighted sum, so this is exact: the shares and the biases' part add up to Z2[k].
 *
 * @returns {{shares: Float64Array, fromBiases: number, logit: number}}
 */
function evidenceFor(network, x, k) {
    const X = matrix(1, x.length, x);
    const { Z1, Z2 } = forward(network, X);
    const { W1, b1, W2, b2 } = network;
    const reach = matrix(W1.rows, 1); // how strongly each hidden unit that is on speaks for k
    let fromBiases = b2.data[k];
    for (let h = 0; h < W1.rows; h++) {
        reach.data[h] = Z1.data[h] > 0 ? W2.data[k * W2.cols + h] : 0;
        fromBiases += reach.data[h] * b1.data[h];
    }
    const shares = multiplyTransposedLeft(reach, W1).data;
    for (let j = 0; j < shares.length; j++) {
        shares[j] *= x[j];
    }
    return { shares, fromBiases, logit: Z2.data[k] };
}
