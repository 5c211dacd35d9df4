/**
 * What each step of the pass shows: its matrices in the order of the equation, and which rows and
 * columns of them an entry was made from.
 *
 * A line is a list of tokens. "Xᵀ" is X with rows and columns exchanged, "b1*" is b1 repeated over
 * the m columns, "y" and "ŷ" are lists of labels, and every other token is an operator.
 *
 * @import { Marks } from "../drawing/matrix_view.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { Entry, Trace } from "../math/trace.js"
 *
 * @typedef {object} EquationPart a matrix of an equation
 * @property {string} token
 * @property {string} name
 * @property {boolean} transposed
 * @property {boolean} repeated
 * @property {string} formula
 * @property {string} spoken for a screen reader
 */
import { matrix, transpose } from "../math/matrix.js";
import { matrixOf } from "../math/trace.js";

/** One list of lines for each step of STEPS. */
export const LINES = [
    [
        ["X", "y"],
        ["W1", "b1"],
        ["W2", "b2"],
    ],
    [["Z1", "=", "W1", "·", "Xᵀ", "+", "b1*"]],
    [["A1", "= max(0,", "Z1", ")"]],
    [["Z2", "=", "W2", "·", "A1", "+", "b2*"]],
    [["A2", "= softmax(", "Z2", ")"], ["ŷ"]],
    [["A2", "→", "losses", "→", "C"]],
    [["dZ2", "= (", "A2", "−", "Y", ") / m"]],
    [
        ["dW2", "=", "dZ2", "·", "A1ᵀ"],
        ["db2", "= Σ", "dZ2"],
    ],
    [["dA1", "=", "W2ᵀ", "·", "dZ2"]],
    [["dZ1", "=", "dA1", "⊙", "mask"]],
    [
        ["dW1", "=", "dZ1", "·", "X"],
        ["db1", "= Σ", "dZ1"],
    ],
    [
        ["W2 after", "←", "W2", "− η", "dW2"],
        ["b2 after", "←", "b2", "− η", "db2"],
        ["W1 after", "←", "W1", "− η", "dW1"],
        ["b1 after", "←", "b1", "− η", "db1"],
    ],
];

const MATRIX = /^(?:X|Z1|A1|Z2|A2|Y|mask|losses|C|d?[WbAZ][12])(?: after)?[ᵀ*]?$/;

/** Which rows, columns and entries a result's entry (r, c) was made from, token by token. */
/** @type {Record<string, (r: number, c: number, y: Int32Array) => Record<string, Marks>>} */
const FACTORS = {
    Z1: (r, c) => ({ W1: { row: r }, Xᵀ: { col: c }, "b1*": { cell: [r, c] } }),
    A1: (r, c) => ({ Z1: { cell: [r, c] } }),
    Z2: (r, c) => ({ W2: { row: r }, A1: { col: c }, "b2*": { cell: [r, c] } }),
    A2: (r, c) => ({ Z2: { col: c, cell: [r, c] } }),
    losses: (_, c, y) => ({ A2: { col: c, cell: [y[c], c] } }),
    C: () => ({ losses: { row: 0 } }),
    dZ2: (r, c) => ({ A2: { cell: [r, c] }, Y: { cell: [r, c] } }),
    dW2: (r, c) => ({ dZ2: { row: r }, A1ᵀ: { col: c } }),
    db2: (r) => ({ dZ2: { row: r } }),
    dA1: (r, c) => ({ W2ᵀ: { row: r }, dZ2: { col: c } }),
    dZ1: (r, c) => ({ dA1: { cell: [r, c] }, mask: { cell: [r, c] } }),
    dW1: (r, c) => ({ dZ1: { row: r }, X: { col: c } }),
    db1: (r) => ({ dZ1: { row: r } }),
};

/** What a token's matrix is called in the formula and for a screen reader. */
/** @type {Record<string, [formula: string, spoken: string]>} */
const NAMES = { mask: ["(Z1 > 0)", "the mask Z1 > 0"], losses: ["ℓ", "losses"], C: ["C", "cost"] };

/**
 * @param {string} token
 * @returns {EquationPart | null} null for an operator
 */
export function partOf(token) {
    if (!MATRIX.test(token)) {
        return null;
    }
    const transposed = token.endsWith("ᵀ");
    const repeated = token.endsWith("*");
    const name = token.replace(/[ᵀ*]$/, "");
    const [formula, spoken] = NAMES[name] ?? [name.replace(" after", ""), name];
    return {
        token,
        name,
        transposed,
        repeated,
        formula: transposed ? `${formula}ᵀ` : formula,
        spoken: transposed ? `${spoken} transposed` : spoken,
    };
}

/**
 * @param {Trace} trace
 * @param {Pick<EquationPart, "name" | "repeated">} part
 * @returns {Matrix} in its own orientation
 */
export function contentOf(trace, { name, repeated }) {
    const m = trace.X.rows;
    if (name === "mask") {
        return matrix(
            trace.Z1.rows,
            m,
            trace.Z1.data.map((z) => (z > 0 ? 1 : 0)),
        );
    }
    if (name === "Y") {
        return oneHot(trace.y, trace.A2.rows);
    }
    if (name === "losses") {
        return matrix(1, m, trace.losses);
    }
    if (name === "C") {
        return matrix(1, 1, Float64Array.of(trace.cost));
    }
    const found = matrixOf(trace, name);
    return repeated ? repeatedColumn(found, m) : found;
}

/**
 * @param {Int32Array} y
 * @param {number} K
 * @returns {Matrix} Y, K×m: column i holds a 1 in row y_i
 */
export function oneHot(y, K) {
    const Y = matrix(K, y.length);
    y.forEach((label, i) => {
        Y.data[label * y.length + i] = 1;
    });
    return Y;
}

/**
 * Where the labels stand in a K×m matrix.
 *
 * @param {Int32Array} y
 * @returns {[number, number][]}
 */
export function placesOf(y) {
    return Array.from(y, (label, i) => [label, i]);
}

/**
 * @param {Matrix} b
 * @param {number} m
 */
function repeatedColumn(b, m) {
    return transpose(
        matrix(
            m,
            b.rows,
            Float64Array.from({ length: m * b.rows }, (_, n) => b.data[n % b.rows]),
        ),
    );
}

/**
 * What to mark in a part when an entry is chosen.
 *
 * @param {EquationPart} part
 * @param {Entry | null} entry in its own orientation
 * @param {Int32Array} y
 * @param {string} [result] the name of the matrix that the part's line makes
 * @returns {Marks | null}
 */
export function marksFor(part, entry, y, result) {
    if (entry === null) {
        return null;
    }
    if (part.name === entry.name) {
        const col = part.repeated ? 0 : entry.col;
        return { cell: part.transposed ? [col, entry.row] : [entry.row, col], chosen: true };
    }
    if (entry.name.endsWith(" after") || (result?.endsWith(" after") && result !== part.name)) {
        const parameter = entry.name.replace(" after", "");
        const same = [parameter, `d${parameter}`].includes(part.name);
        return same ? { cell: [entry.row, entry.col] } : null;
    }
    if (result !== undefined && result !== entry.name) {
        return null;
    }
    return FACTORS[entry.name]?.(entry.row, entry.col, y)[part.token] ?? null;
}

/**
 * Whether an entry lies inside the trace's matrices.
 *
 * @param {Trace} trace
 * @param {Entry} entry
 */
export function isInside(trace, entry) {
    const part = partOf(entry.name);
    const content = part && contentOf(trace, part);
    return content !== null && entry.row < content.rows && entry.col < content.cols;
}

/** The formulas of each step, for the eye: one or two lines. */
export const FORMULAS = [
    ["X, y, W1, b1, W2, b2"],
    ["Z1 = W1 · Xᵀ + b1"],
    ["A1 = max(0, Z1)"],
    ["Z2 = W2 · A1 + b2"],
    ["A2[k, i] = frac(exp Z2[k, i], Σ_l exp Z2[l, i])", "ŷ_i = argmax_k A2[k, i]"],
    ["C = − frac(1, m) Σ_i log A2[y_i, i]"],
    ["dZ2 = frac(1, m) (A2 − Y)"],
    ["dW2 = dZ2 · A1ᵀ", "db2 = Σ_i dZ2[:, i]"],
    ["dA1 = W2ᵀ · dZ2"],
    ["dZ1 = dA1 ⊙ (Z1 > 0)"],
    ["dW1 = dZ1 · X", "db1 = Σ_i dZ1[:, i]"],
    ["θ ← θ − η dθ"],
];
