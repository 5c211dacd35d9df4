/**
 * The sum behind one entry of a matrix: the terms that add up to it, largest first.
 *
 * @import { Trace } from "./trace.js"
 *
 * @typedef {{name: string, row: number, col: number, value: number}} Factor
 *   an entry of a matrix; 1/m, the mask and −η are also factors, with the names "1/m", "Z1 > 0", "−η"
 * @typedef {[string, number, number]} Place the name of a matrix, row and column
 * @typedef {{left: Factor, right: Factor | null, value: number}} Term
 * @typedef {{text: string, total: number, extra: {label: string, value: number} | null,
 *            terms: Term[], kind: "sum" | "entry" | "softmax" | "given"}} Sum
 *   "sum": the terms and the extra add up to the total. "entry": one term makes it. "softmax":
 *   the terms are the column's exponentials, the extra is their sum, and the total is the entry's
 *   own exponential divided by it. "given": nothing computed it.
 */
import { at } from "./matrix.js";
import { matrixOf } from "./trace.js";

/**
 * @param {Trace} trace
 * @param {string} name of a matrix of the trace, as `matrixOf` knows it, or "losses" or "C"
 * @param {number} row
 * @param {number} col
 * @returns {Sum}
 */
export function sumBehind(trace, name, row, col) {
    if (name.endsWith(" after")) {
        return update(trace, name.slice(0, -" after".length), row, col);
    }
    const behind = SUMS[name];
    return behind ? behind(trace, row, col) : given(trace, name, row, col);
}

/** @type {Record<string, (trace: Trace, row: number, col: number) => Sum>} */
const SUMS = {
    Z1: (trace, h, i) => sum(
        `Z1[${h}, ${i}] = Σ_j W1[${h}, j] · X[${i}, j] + b1[${h}]`,
        products(trace, trace.X.cols, (j) => ["W1", h, j], (j) => ["X", i, j]),
        { label: `b1[${h}]`, value: trace.network.b1.data[h] },
    ),
    A1: (trace, h, i) => {
        const left = factor(trace, ["Z1", h, i]);
        const value = Math.max(0, left.value);
        return { ...sum(`A1[${h}, ${i}] = max(0, Z1[${h}, ${i}])`, [{ left, right: null, value }]), kind: "entry" };
    },
    Z2: (trace, k, i) => sum(
        `Z2[${k}, ${i}] = Σ_h W2[${k}, h] · A1[h, ${i}] + b2[${k}]`,
        products(trace, trace.A1.rows, (h) => ["W2", k, h], (h) => ["A1", h, i]),
        { label: `b2[${k}]`, value: trace.network.b2.data[k] },
    ),
    A2: softmaxQuotient,
    losses: (trace, _row, i) => {
        const left = factor(trace, ["A2", trace.y[i], i]);
        const text = `loss of sample ${i} = −log A2[${trace.y[i]}, ${i}]`;
        return { ...sum(text, [{ left, right: null, value: trace.losses[i] }]), kind: "entry" };
    },
    C: (trace) => {
        const m = trace.X.rows;
        const terms = Array.from(trace.losses, (loss, i) => ({
            left: { name: "loss", row: 0, col: i, value: loss },
            right: constant("1/m", 1 / m),
            value: loss / m,
        }));
        return sum("C = (1/m) Σ_i loss of sample i", terms);
    },
    dZ2: outputSlope,
    dW2: (trace, k, h) => sum(
        `dW2[${k}, ${h}] = Σ_i dZ2[${k}, i] · A1[${h}, i]`,
        products(trace, trace.X.rows, (i) => ["dZ2", k, i], (i) => ["A1", h, i]),
    ),
    db2: (trace, k) => sum(
        `db2[${k}] = Σ_i dZ2[${k}, i]`,
        products(trace, trace.X.rows, (i) => ["dZ2", k, i], () => null),
    ),
    dA1: (trace, h, i) => {
        const transposed = !trace.mistakes.has("not-transposed");
        return sum(
            `dA1[${h}, ${i}] = Σ_k ${transposed ? `W2[k, ${h}]` : `W2[${h}, k]`} · dZ2[k, ${i}]`,
            products(
                trace,
                trace.dZ2.rows,
                (k) => (transposed ? ["W2", k, h] : ["W2", h, k]),
                (k) => ["dZ2", k, i],
            ),
        );
    },
    dZ1: (trace, h, i) => {
        const left = factor(trace, ["dA1", h, i]);
        if (trace.mistakes.has("no-mask")) {
            return { ...sum(`dZ1[${h}, ${i}] = dA1[${h}, ${i}]`, [{ left, right: null, value: left.value }]), kind: "entry" };
        }
        const on = at(trace.Z1, h, i) > 0 ? 1 : 0;
        const right = { name: "Z1 > 0", row: h, col: i, value: on };
        const text = `dZ1[${h}, ${i}] = dA1[${h}, ${i}] · (Z1[${h}, ${i}] > 0)`;
        return { ...sum(text, [{ left, right, value: on ? left.value : 0 }]), kind: "entry" };
    },
    dW1: (trace, h, j) => sum(
        `dW1[${h}, ${j}] = Σ_i dZ1[${h}, i] · X[i, ${j}]`,
        products(trace, trace.X.rows, (i) => ["dZ1", h, i], (i) => ["X", i, j]),
    ),
    db1: (trace, h) => sum(
        `db1[${h}] = Σ_i dZ1[${h}, i]`,
        products(trace, trace.X.rows, (i) => ["dZ1", h, i], () => null),
    ),
};

/**
 * F4: the terms are what the exponential of this entry is divided by.
 *
 * @param {Trace} trace
 * @param {number} k
 * @param {number} i
 * @returns {Sum}
 */
function softmaxQuotient(trace, k, i) {
    const logits = Array.from({ length: trace.Z2.rows }, (_, l) => factor(trace, ["Z2", l, i]));
    const plain = trace.mistakes.has("plain-softmax");
    const shift = plain ? 0 : Math.max(...logits.map(({ value }) => value));
    const terms = logits.map((left) => ({ left, right: null, value: Math.exp(left.value - shift) }));
    const denominator = terms.reduce((total, { value }) => total + value, 0);
    const less = plain ? "" : " − largest";
    return {
        kind: "softmax",
        text: `A2[${k}, ${i}] = exp(Z2[${k}, ${i}]${less}) / Σ_l exp(Z2[l, ${i}]${less})`,
        total: terms[k].value / denominator,
        extra: { label: "divided by their sum", value: denominator },
        terms: terms.sort(bySize),
    };
}

/**
 * B1: A2/m, and −1/m at the true class.
 *
 * @param {Trace} trace
 * @param {number} k
 * @param {number} i
 */
function outputSlope(trace, k, i) {
    const sign = trace.mistakes.has("wrong-sign") ? -1 : 1;
    const share = sign / (trace.mistakes.has("no-mean") ? 1 : trace.X.rows);
    const left = factor(trace, ["A2", k, i]);
    const term = { left, right: constant(nameOfShare(trace), share), value: left.value * share };
    const isLabel = trace.y[i] === k;
    const extra = isLabel ? { label: `because ${k} is the label of sample ${i}`, value: -share } : null;
    const Y = isLabel ? 1 : 0;
    const difference = sign > 0 ? `A2[${k}, ${i}] − ${Y}` : `${Y} − A2[${k}, ${i}]`;
    const text = `dZ2[${k}, ${i}] = (${difference})${trace.mistakes.has("no-mean") ? "" : "/m"}`;
    return sum(text, [term], extra);
}

/** @param {Trace} trace */
function nameOfShare({ mistakes }) {
    const size = mistakes.has("no-mean") ? "1" : "1/m";
    return mistakes.has("wrong-sign") ? `−${size}` : size;
}

/**
 * U1: the old value and the step.
 *
 * @param {Trace} trace
 * @param {string} name of a parameter
 * @param {number} row
 * @param {number} col
 */
function update(trace, name, row, col) {
    const old = factor(trace, [name, row, col]);
    const slope = factor(trace, [`d${name}`, row, col]);
    const η = trace.learningRate;
    return sum(`${name}[${row}, ${col}] ← ${name}[${row}, ${col}] − η · d${name}[${row}, ${col}]`, [
        { left: old, right: null, value: old.value },
        { left: slope, right: constant("−η", -η), value: -η * slope.value },
    ]);
}

/**
 * @param {Trace} trace
 * @param {string} name
 * @param {number} row
 * @param {number} col
 * @returns {Sum}
 */
function given(trace, name, row, col) {
    const { value } = factor(trace, [name, row, col]);
    return { kind: "given", text: `${name}[${row}, ${col}] is given`, total: value, extra: null, terms: [] };
}

/**
 * @param {Trace} trace
 * @param {Place} place
 * @returns {Factor}
 */
function factor(trace, [name, row, col]) {
    return { name, row, col, value: at(matrixOf(trace, name), row, col) };
}

/**
 * @param {string} name
 * @param {number} value
 * @returns {Factor}
 */
function constant(name, value) {
    return { name, row: 0, col: 0, value };
}

/**
 * One term for each n below count; `right` may return null for a term of one factor.
 *
 * @param {Trace} trace
 * @param {number} count
 * @param {(n: number) => Place} left
 * @param {(n: number) => Place | null} right
 * @returns {Term[]}
 */
function products(trace, count, left, right) {
    return Array.from({ length: count }, (_, n) => {
        const first = factor(trace, left(n));
        const place = right(n);
        const second = place && factor(trace, place);
        return { left: first, right: second, value: second ? first.value * second.value : first.value };
    });
}

/**
 * The total is added up in the order of the matrix product, before the terms are sorted.
 *
 * @param {string} text
 * @param {Term[]} terms
 * @param {Sum["extra"]} extra
 * @returns {Sum}
 */
function sum(text, terms, extra = null) {
    const total = terms.reduce((partial, { value }) => partial + value, 0) + (extra ? extra.value : 0);
    return { kind: "sum", text, total, extra, terms: terms.sort(bySize) };
}

/**
 * @param {Term} one
 * @param {Term} other
 */
function bySize(one, other) {
    return Math.abs(other.value) - Math.abs(one.value);
}
