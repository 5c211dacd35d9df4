/**
 * The twelve steps of a pass in the order of the notes, and every matrix that they compute.
 *
 * @import { Matrix } from "./matrix.js"
 * @import { Activations, Backward, Network } from "./passes.js"
 *
 * @typedef {{name: string, row: number, col: number}} Entry an entry of a matrix of a trace
 * @typedef {ReturnType<typeof tracePass>} Trace
 * @typedef {{index: number, ids: string[], title: string, statement: string, shapes: string,
 *            meaning: string, results: string[]}} Step
 *   ids of the formulas; shapes in the letters m, D, H, K; results are names of a trace's matrices
 */
import { passesWith } from "./mistakes.js";
import { losses, predict } from "./passes.js";

/** @type {Readonly<Step>[]} */
export const STEPS = [
    {
        ids: ["X"],
        title: "What is given",
        statement: "X, y, W1, b1, W2, b2",
        shapes: "X: m×D,  y: m,  W1: H×D,  b1: H×1,  W2: K×H,  b2: K×1",
        meaning:
            "The samples are the rows of X, and each has one label in y. The network is four " +
            "matrices of numbers: the weights W and the biases b of two layers.",
        results: ["X", "W1", "b1", "W2", "b2"],
    },
    {
        ids: ["F1"],
        title: "Pre-activations",
        statement: "Z1 = W1 · Xᵀ + b1",
        shapes: "H×m = (H×D)(D×m) + (H×1)",
        meaning:
            "Each hidden unit multiplies every feature by a weight, adds up the products, and adds " +
            "its bias. Each sample has one column, and b1 is added to every column.",
        results: ["Z1"],
    },
    {
        ids: ["F2"],
        title: "Hidden activations",
        statement: "A1 = max(0, Z1)",
        shapes: "H×m = H×m",
        meaning: "ReLU: a number above 0 passes, any other number becomes 0. A unit at 0 is off.",
        results: ["A1"],
    },
    {
        ids: ["F3"],
        title: "Logits",
        statement: "Z2 = W2 · A1 + b2",
        shapes: "K×m = (K×H)(H×m) + (K×1)",
        meaning: "Each class adds up the support of all hidden units, and its bias.",
        results: ["Z2"],
    },
    {
        ids: ["F4", "F5"],
        title: "Probabilities and prediction",
        statement: "A2 = softmax(Z2),  ŷ = argmax A2",
        shapes: "K×m = K×m",
        meaning:
            "Softmax turns each column of logits into probabilities that add up to 1. The " +
            "prediction is the class with the largest probability.",
        results: ["A2"],
    },
    {
        ids: ["C1"],
        title: "Cost",
        statement: "C = −(1/m) Σ_i log A2[y_i, i]",
        shapes: "1",
        meaning:
            "The loss of a sample is small if its own class has a large probability. It grows " +
            "without limit as this probability goes to 0. The cost is the average loss.",
        results: ["losses", "C"],
    },
    {
        ids: ["B1"],
        title: "Slopes of the logits",
        statement: "dZ2 = (A2 − Y)/m",
        shapes: "K×m = K×m − K×m",
        meaning:
            "Take the probabilities, subtract 1 at the true class of each sample, and divide by m. " +
            "The matrix Y is never formed.",
        results: ["dZ2"],
    },
    {
        ids: ["B2", "B3"],
        title: "Gradient of the output layer",
        statement: "dW2 = dZ2 · A1ᵀ,  db2 = Σ_i dZ2[:, i]",
        shapes: "K×H = (K×m)(m×H),  K×1 = Σ K×m",
        meaning:
            "A weight multiplies the activation of its unit. So its slope is this activation times " +
            "the slope of the logit, added up over the samples.",
        results: ["dW2", "db2"],
    },
    {
        ids: ["B4"],
        title: "Back through W2",
        statement: "dA1 = W2ᵀ · dZ2",
        shapes: "H×m = (H×K)(K×m)",
        meaning:
            "Each hidden unit adds up the slopes of all classes, times the weights that connect it " +
            "to them. These are the weights of the forward pass, used in the other direction.",
        results: ["dA1"],
    },
    {
        ids: ["B5"],
        title: "Through the ReLU mask",
        statement: "dZ1 = dA1 ⊙ (Z1 > 0)",
        shapes: "H×m = H×m ⊙ H×m",
        meaning: "If a unit is off, it changes nothing. So nothing flows back through it: its slope is 0.",
        results: ["dZ1"],
    },
    {
        ids: ["B6", "B7"],
        title: "Gradient of the hidden layer",
        statement: "dW1 = dZ1 · X,  db1 = Σ_i dZ1[:, i]",
        shapes: "H×D = (H×m)(m×D),  H×1 = Σ H×m",
        meaning: "The slope of each unit times the features of the sample, added up over the samples.",
        results: ["dW1", "db1"],
    },
    {
        ids: ["U1"],
        title: "One step down",
        statement: "θ ← θ − η dθ",
        shapes: "H×D = H×D − η H×D,  and so on",
        meaning:
            "Every parameter moves a little against its slope. η says how far. If η is not too " +
            "large, the cost falls.",
        results: ["W1 after", "b1 after", "W2 after", "b2 after"],
    },
].map((step, index) => Object.freeze({ index, ...step }));

/**
 * A step's shapes with numbers for letters: 10×1 = (10×784)(784×1) + (10×1).
 *
 * @param {Step} step
 * @param {{m: number, D: number, H: number, K: number}} sizes
 * @returns {string}
 */
export function shapesWithNumbers(step, sizes) {
    // A letter stands for a size unless it is part of a name, such as the dW of dW1.
    return step.shapes.replace(/(?<![\p{L}\d])[mDHK](?![\p{L}\d])/gu, (letter) =>
        String(sizes[/** @type {"m" | "D" | "H" | "K"} */ (letter)]),
    );
}

/**
 * The whole pass on some samples, with the given mistakes planted.
 *
 * @param {Network} network
 * @param {Matrix} X m×D
 * @param {Int32Array} y m labels
 * @param {number} learningRate η of the step at the end
 * @param {Set<string>} [mistakes] ids of MISTAKES
 */
export function tracePass(network, X, y, learningRate, mistakes = new Set()) {
    const passes = passesWith(mistakes);
    const activations = passes.forward(network, X);
    const gradient = passes.backward(network, X, y, activations);
    return {
        network,
        X,
        y,
        learningRate,
        mistakes,
        ...activations,
        predictions: predict(activations.A2),
        losses: losses(activations.Z2, y),
        cost: passes.cost(activations.Z2, y),
        ...gradient,
        after: passes.descend(network, gradient, learningRate),
    };
}

/**
 * A matrix of a trace by its name; a name may also be that of a parameter, or of one after the step.
 *
 * @param {Trace} trace
 * @param {string} name X, W1, Z1, dZ2, "W1 after", …
 * @returns {Matrix}
 */
export function matrixOf(trace, name) {
    if (name.endsWith(" after")) {
        return trace.after[/** @type {keyof Network} */ (name.slice(0, -" after".length))];
    }
    const parameter = trace.network[/** @type {keyof Network} */ (name)];
    return parameter ?? trace[/** @type {"X" | keyof Activations | keyof Backward} */ (name)];
}
