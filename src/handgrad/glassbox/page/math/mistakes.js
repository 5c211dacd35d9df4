/**
 * The common mistakes, to plant on purpose: each changes one formula and no other.
 *
 * @import { Matrix } from "./matrix.js"
 * @import { Activations, Backward, Network } from "./passes.js"
 *
 * @typedef {{id: string, title: string, formula: string, formulaId: string,
 *            whatGoesWrong: string}} Mistake
 * @typedef {ReturnType<typeof passesWith>} Passes
 */
import {
    addColumn,
    matrix,
    multiply,
    multiplyTransposedLeft,
    multiplyTransposedRight,
    sumOfColumns,
} from "./matrix.js";
import {
    backward as rightBackward,
    cost as rightCost,
    descend,
    forward as rightForward,
    masked,
    outputGradient,
    rectified,
} from "./passes.js";

/**
 * Each with the wrong formula, and what a learner sees of it.
 *
 * @type {Mistake[]}
 */
export const MISTAKES = [
    {
        id: "no-mask",
        title: "Forget the ReLU mask",
        formula: "dZ1 = dA1",
        formulaId: "B5",
        whatGoesWrong:
            "Units that are off get a gradient as if they were on. dW1 and db1 are wrong " +
            "where a unit is off. dW2 and db2 are right.",
    },
    {
        id: "no-mean",
        title: "Forget the 1/m",
        formula: "dZ2 = A2 − Y",
        formulaId: "B1",
        whatGoesWrong:
            "Every gradient is m times too large. Its direction is right, so training may still " +
            "work, but with m times the learning rate that you chose.",
    },
    {
        id: "wrong-sign",
        title: "Turn the sign around",
        formula: "dZ2 = (Y − A2)/m",
        formulaId: "B1",
        whatGoesWrong: "Every gradient points in the opposite direction. Each step goes uphill: the cost rises.",
    },
    {
        id: "not-transposed",
        title: "Forget to transpose W2",
        formula: "dA1 = W2 · dZ2",
        formulaId: "B4",
        whatGoesWrong:
            "If H = K, the shapes fit, so there is no error. But every hidden unit gets a slope " +
            "that belongs to others. dW1 and db1 are wrong. dW2 and db2 are right.",
    },
    {
        id: "plain-softmax",
        title: "Softmax without the shift",
        formula: "A2 = exp(Z2) / Σ exp(Z2)",
        formulaId: "F4",
        whatGoesWrong:
            "It is right as long as no logit is above 709. Then exp overflows to ∞. ∞/∞ is NaN " +
            "(not a number), and every number that follows from it is NaN too.",
    },
];

/**
 * Whether a mistake can be planted, and whether it has an effect.
 *
 * @param {string} id
 * @param {Network} network
 * @param {number} [m] samples in the batch, if it is known
 * @returns {true | string} a sentence if it cannot or has none
 */
export function possible(id, network, m = 2) {
    const [K, H] = [network.W2.rows, network.W2.cols];
    if (id === "not-transposed" && H !== K) {
        return `W2 is ${K}×${H} and dZ2 has ${K} rows: without the transpose the shapes do not fit, so a program would stop with an error.`;
    }
    if (id === "no-mean" && m === 1) {
        return "With one sample, 1/m is 1, so this mistake changes nothing. Choose a batch of two or more.";
    }
    return true;
}

/**
 * The passes with these mistakes planted; without mistakes, the passes of passes.js.
 *
 * @param {Set<string>} mistakes ids of MISTAKES
 */
export function passesWith(mistakes) {
    const plain = mistakes.has("plain-softmax");
    return {
        forward: plain ? forwardWithPlainSoftmax : rightForward,
        cost: plain ? costOfPlainSoftmax : rightCost,
        /** @type {typeof rightBackward} */
        backward: (network, X, y, activations) => backwardWith(mistakes, network, X, y, activations),
        descend,
    };
}

/**
 * @param {Set<string>} mistakes
 * @param {Network} network
 * @param {Matrix} X m×D
 * @param {Int32Array} y m labels
 * @param {Activations} activations
 * @returns {Backward}
 */
function backwardWith(mistakes, { W2 }, X, y, { Z1, A1, A2 }) {
    let scale = mistakes.has("wrong-sign") ? -1 : 1;
    if (mistakes.has("no-mean")) {
        scale *= A2.cols;
    }
    const dZ2 = scaled(outputGradient(A2, y), scale); // B1
    const dW2 = multiplyTransposedRight(dZ2, A1); // B2
    const db2 = sumOfColumns(dZ2); // B3
    const dA1 = mistakes.has("not-transposed") ? multiply(W2, dZ2) : multiplyTransposedLeft(W2, dZ2); // B4
    const dZ1 = mistakes.has("no-mask") ? dA1 : masked(dA1, Z1); // B5
    const dW1 = multiply(dZ1, X); // B6
    const db1 = sumOfColumns(dZ1); // B7
    return { dZ2, dW2, db2, dA1, dZ1, dW1, db1 };
}

/**
 * @param {Network} network
 * @param {Matrix} X m×D
 * @returns {Activations}
 */
function forwardWithPlainSoftmax({ W1, b1, W2, b2 }, X) {
    const Z1 = addColumn(multiplyTransposedRight(W1, X), b1); // F1
    const A1 = rectified(Z1); // F2
    const Z2 = addColumn(multiply(W2, A1), b2); // F3
    const A2 = plainSoftmax(Z2); // F4
    return { Z1, A1, Z2, A2 };
}

/**
 * F4 as it is written, which overflows if a logit is large.
 *
 * @param {Matrix} Z2 K×m
 */
function plainSoftmax(Z2) {
    const A2 = matrix(Z2.rows, Z2.cols, Z2.data.map(Math.exp));
    for (let i = 0; i < A2.cols; i++) {
        let sum = 0;
        for (let k = 0; k < A2.rows; k++) {
            sum += A2.data[k * A2.cols + i];
        }
        for (let k = 0; k < A2.rows; k++) {
            A2.data[k * A2.cols + i] /= sum;
        }
    }
    return A2;
}

/**
 * C1 from those probabilities.
 *
 * @param {Matrix} Z2 K×m
 * @param {Int32Array} y m labels
 */
function costOfPlainSoftmax(Z2, y) {
    const A2 = plainSoftmax(Z2);
    return y.reduce((sum, label, i) => sum - Math.log(A2.data[label * A2.cols + i]), 0) / A2.cols;
}

/**
 * @param {Matrix} M
 * @param {number} factor
 */
function scaled(M, factor) {
    return factor === 1 ? M : matrix(M.rows, M.cols, M.data.map((value) => value * factor));
}
