/**
 * What follows from the state: computed when asked for, and kept until the state differs.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { Network } from "../math/passes.js"
 * @import { Trace } from "../math/trace.js"
 * @import { Batch, Sample } from "./samples.js"
 * @import { State } from "./state.js"
 *
 * @typedef {ReturnType<typeof createDerived>} Derived
 * @typedef {{X: Matrix, y: Int32Array | null}} LabelledRows
 * @typedef {{shares: Float64Array, fromBiases: number, logit: number}} Evidence
 * @typedef {object} Evaluation how the network does on all embedded samples
 * @property {Int32Array} predictions
 * @property {Int32Array} active for how many samples each hidden unit is on
 * @property {Results | null} results null without labels
 * @typedef {{losses: Float64Array, confusion: Matrix, cost: number, accuracy: number}} Results
 */
import { matrix, multiplyTransposedLeft } from "../math/matrix.js";
import { forward, losses, predict } from "../math/passes.js";
import { tracePass } from "../math/trace.js";
import { labelsOf, rowsOf } from "../data/payload.js";
import { batchOf } from "./samples.js";

/**
 * Remembers the last result of a function, by the identity of its arguments.
 *
 * @template {unknown[]} Inputs
 * @template Result
 * @param {(...inputs: Inputs) => Result} compute
 * @returns {(...inputs: Inputs) => Result}
 */
function lastResult(compute) {
    /** @type {{inputs: Inputs, result: Result} | null} */
    let last = null;
    return (...inputs) => {
        if (last === null || last.inputs.some((input, n) => !Object.is(input, inputs[n]))) {
            last = { inputs, result: compute(...inputs) };
        }
        return last.result;
    };
}

/** @param {Payload} payload */
export function createDerived(payload) {
    const batch = lastResult(
        /** @type {(network: Network, sample: Sample, meant: number | null, m: number) => Batch} */
        (network, sample, meant, m) => batchOf({ network, sample, meant, m }, payload),
    );
    const trace = lastResult(
        /** @type {(network: Network, batch: Batch, rate: number, mistakes: string[]) => Trace} */
        (network, { X, y }, rate, mistakes) => tracePass(network, X, y, rate, new Set(mistakes)),
    );
    const dataset = lastResult(() => datasetOf(payload));
    /** @param {State} state */
    const batchNow = (state) => batch(state.network, state.sample, state.meant, state.m);
    return {
        batch: batchNow,
        /** @param {State} state */
        trace: (state) => trace(state.network, batchNow(state), state.learningRate, state.mistakes),
        dataset: () => dataset(),
        evaluation: lastResult((/** @type {Network} */ network) => evaluate(network, dataset(), payload)),
        evidence: lastResult(evidenceFor),
    };
}

/**
 * @param {Network} network
 * @param {Float64Array} x D features
 * @returns {{prediction: number, probability: number}} what the network says of one sample
 */
export function predictionOf(network, x) {
    const { A2 } = forward(network, matrix(1, x.length, x));
    const [prediction] = predict(A2);
    return { prediction, probability: A2.data[prediction] };
}

/**
 * All embedded samples; without labels, y is null.
 *
 * @param {Payload} payload
 * @returns {LabelledRows}
 */
function datasetOf(payload) {
    const { samples } = payload;
    const indices = Array.from({ length: samples.count }, (_, i) => i);
    const y = samples.hasLabels ? labelsOf(samples, indices) : null;
    return { X: rowsOf(samples, indices), y };
}

/**
 * How the network does on all embedded samples.
 *
 * @param {Network} network
 * @param {LabelledRows} dataset
 * @param {Payload} payload
 * @returns {Evaluation}
 */
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
        return { predictions, active, results: null };
    }
    const lossOf = losses(Z2, y);
    const confusion = matrix(K, K);
    let right = 0;
    for (let i = 0; i < m; i++) {
        confusion.data[y[i] * K + predictions[i]] += 1;
        right += y[i] === predictions[i] ? 1 : 0;
    }
    const cost = lossOf.reduce((sum, loss) => sum + loss, 0) / m;
    return { predictions, active, results: { losses: lossOf, confusion, cost, accuracy: right / m } };
}

/**
 * What each feature of x added to the logit of class k. Between the corners of ReLU the network
 * is a plain weighted sum, so this is exact: the shares and the biases' part add up to Z2[k].
 *
 * @param {Network} network
 * @param {Float64Array} x D features
 * @param {number} k
 * @returns {Evidence}
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
