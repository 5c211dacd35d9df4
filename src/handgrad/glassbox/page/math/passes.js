/**
 * The notes as JavaScript, formula by formula, in the notes' order.
 *
 * Samples are the rows of X, labels are integers, Y is never formed. Each line carries the id of
 * its formula. m samples, D features, H hidden units, K classes:
 *
 *   X        m×D   the data, one sample per row
 *   W1, b1   H×D   H×1, the hidden layer's
 *   W2, b2   K×H   K×1, the output layer's
 *   Z1, A1   H×m   the hidden layer, one column per sample
 *   Z2, A2   K×m   the output layer, one column per sample
 *   dQ       as Q  ∂C/∂Q, for any Q above
 *
 * @import { Matrix } from "./matrix.js"
 *
 * @typedef {{W1: Matrix, b1: Matrix, W2: Matrix, b2: Matrix}} Network
 * @typedef {{dW1: Matrix, db1: Matrix, dW2: Matrix, db2: Matrix}} Gradient
 * @typedef {{Z1: Matrix, A1: Matrix, Z2: Matrix, A2: Matrix}} Activations
 * @typedef {{dZ2: Matrix, dW2: Matrix, db2: Matrix, dA1: Matrix, dZ1: Matrix, dW1: Matrix,
 *            db1: Matrix}} Backward
 */
import {
    addColumn,
    matrix,
    multiply,
    multiplyTransposedLeft,
    multiplyTransposedRight,
    sumOfColumns,
} from "./matrix.js";
import { randomNumbers } from "./random.js";

/**
 * @param {Network} network
 * @param {Matrix} X m×D
 * @returns {Activations}
 */
export function forward({ W1, b1, W2, b2 }, X) {
    const Z1 = addColumn(multiplyTransposedRight(W1, X), b1); // F1: H×m = (H×D)(D×m) + (H×1)
    const A1 = rectified(Z1); // F2
    const Z2 = addColumn(multiply(W2, A1), b2); // F3: K×m = (K×H)(H×m) + (K×1)
    const A2 = softmax(Z2); // F4
    return { Z1, A1, Z2, A2 };
}

/**
 * F2: max(0, Z1), entry by entry.
 *
 * @param {Matrix} Z1 H×m
 */
export function rectified(Z1) {
    return matrix(Z1.rows, Z1.cols, Z1.data.map((z) => Math.max(0, z)));
}

/**
 * F4: each column of logits becomes probabilities. The largest logit of a column is subtracted
 * first: the quotient stays the same, and no exponential overflows.
 *
 * @param {Matrix} Z2 K×m
 * @returns {Matrix} K×m
 */
export function softmax(Z2) {
    const A2 = matrix(Z2.rows, Z2.cols);
    const m = Z2.cols;
    for (let i = 0; i < m; i++) {
        const largest = largestInColumn(Z2, i);
        let sum = 0;
        for (let k = 0; k < Z2.rows; k++) {
            const e = Math.exp(Z2.data[k * m + i] - largest);
            A2.data[k * m + i] = e;
            sum += e;
        }
        for (let k = 0; k < Z2.rows; k++) {
            A2.data[k * m + i] /= sum;
        }
    }
    return A2;
}

/**
 * F5: the most probable class of each column; if several are equal, the first.
 *
 * @param {Matrix} A2 K×m
 * @returns {Int32Array} m labels
 */
export function predict(A2) {
    const labels = new Int32Array(A2.cols);
    for (let i = 0; i < A2.cols; i++) {
        for (let k = 1; k < A2.rows; k++) {
            if (A2.data[k * A2.cols + i] > A2.data[labels[i] * A2.cols + i]) {
                labels[i] = k;
            }
        }
    }
    return labels;
}

/**
 * −log A2[y_i, i] of each sample, from the logits: the logarithm of a probability would be
 * infinite if the probability was rounded to 0.
 *
 * @param {Matrix} Z2 K×m
 * @param {Int32Array} y m labels
 * @returns {Float64Array} m losses
 */
export function losses(Z2, y) {
    const m = Z2.cols;
    return Float64Array.from({ length: m }, (_, i) => {
        const largest = largestInColumn(Z2, i);
        let sum = 0;
        for (let k = 0; k < Z2.rows; k++) {
            sum += Math.exp(Z2.data[k * m + i] - largest);
        }
        return Math.log(sum) - (Z2.data[y[i] * m + i] - largest);
    });
}

/**
 * C1: the average loss.
 *
 * @param {Matrix} Z2 K×m
 * @param {Int32Array} y m labels
 */
export function cost(Z2, y) {
    return losses(Z2, y).reduce((sum, loss) => sum + loss, 0) / Z2.cols;
}

/**
 * B1: (A2 − Y)/m without forming Y.
 *
 * @param {Matrix} A2 K×m
 * @param {Int32Array} y m labels
 * @returns {Matrix} dZ2, K×m
 */
export function outputGradient(A2, y) {
    const m = A2.cols;
    const dZ2 = matrix(A2.rows, m, A2.data.slice());
    for (let i = 0; i < m; i++) {
        dZ2.data[y[i] * m + i] -= 1;
    }
    for (let n = 0; n < dZ2.data.length; n++) {
        dZ2.data[n] /= m;
    }
    return dZ2;
}

/**
 * B2 to B7: carries dZ2 back through both layers.
 *
 * @param {Network} network
 * @param {Matrix} X m×D
 * @param {Activations} activations what `forward` returned for the same network and X
 * @param {Matrix} dZ2 K×m
 * @returns {Backward}
 */
export function propagate({ W2 }, X, { Z1, A1 }, dZ2) {
    const dW2 = multiplyTransposedRight(dZ2, A1); // B2: K×H = (K×m)(m×H)
    const db2 = sumOfColumns(dZ2); // B3
    const dA1 = multiplyTransposedLeft(W2, dZ2); // B4: H×m = (H×K)(K×m)
    const dZ1 = masked(dA1, Z1); // B5
    const dW1 = multiply(dZ1, X); // B6: H×D = (H×m)(m×D)
    const db1 = sumOfColumns(dZ1); // B7
    return { dZ2, dW2, db2, dA1, dZ1, dW1, db1 };
}

/**
 * B5: dA1 where Z1 > 0, and 0 elsewhere; at exactly 0 no gradient flows.
 *
 * @param {Matrix} dA1 H×m
 * @param {Matrix} Z1 H×m
 */
export function masked(dA1, Z1) {
    return matrix(dA1.rows, dA1.cols, dA1.data.map((d, n) => (Z1.data[n] > 0 ? d : 0)));
}

/**
 * B1 to B7.
 *
 * @param {Network} network
 * @param {Matrix} X m×D
 * @param {Int32Array} y m labels
 * @param {Activations} activations what `forward` returned for the same network and X
 * @returns {Backward}
 */
export function backward(network, X, y, activations) {
    return propagate(network, X, activations, outputGradient(activations.A2, y));
}

/**
 * U1: θ ← θ − η dθ for each parameter θ.
 *
 * @param {Network} network
 * @param {Gradient} gradient
 * @param {number} learningRate η
 * @returns {Network} a new one
 */
export function descend({ W1, b1, W2, b2 }, { dW1, db1, dW2, db2 }, learningRate) {
    return {
        W1: moved(W1, dW1, learningRate),
        b1: moved(b1, db1, learningRate),
        W2: moved(W2, dW2, learningRate),
        b2: moved(b2, db2, learningRate),
    };
}

/**
 * @param {Matrix} θ
 * @param {Matrix} dθ
 * @param {number} η
 */
function moved(θ, dθ, η) {
    const data = new Float64Array(θ.data.length);
    for (let n = 0; n < data.length; n++) {
        data[n] = θ.data[n] - η * dθ.data[n]; // U1
    }
    return matrix(θ.rows, θ.cols, data);
}

/**
 * Initial values: weights from a normal distribution of variance 2 / inputs, which keeps
 * the size of the activations from layer to layer under ReLU (He et al., 2015); biases 0.
 *
 * @param {number} D
 * @param {number} H
 * @param {number} K
 * @param {number} seed an integer
 * @returns {Network}
 */
export function initialNetwork(D, H, K, seed) {
    const { normal } = randomNumbers(seed);
    /**
     * @param {number} rows
     * @param {number} cols
     */
    const weights = (rows, cols) =>
        matrix(rows, cols, Float64Array.from({ length: rows * cols }, () => normal() * Math.sqrt(2 / cols)));
    return { W1: weights(H, D), b1: matrix(H, 1), W2: weights(K, H), b2: matrix(K, 1) };
}

/**
 * @param {Matrix} M
 * @param {number} j
 */
function largestInColumn(M, j) {
    let largest = -Infinity;
    for (let i = 0; i < M.rows; i++) {
        largest = Math.max(largest, M.data[i * M.cols + j]);
    }
    return largest;
}
