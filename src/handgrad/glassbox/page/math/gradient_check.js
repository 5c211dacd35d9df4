/**
 * The gradient check: the derived slope of the cost against the measured one.
 *
 * One number θ of a parameter is moved by ±ε, and the cost is computed each time. Its rise over
 * 2ε is the slope, without any formula of the backward pass.
 *
 * @import { Matrix } from "./matrix.js"
 * @import { Gradient, Network } from "./passes.js"
 * @import { Random } from "./random.js"
 *
 * @typedef {"W1" | "b1" | "W2" | "b2"} Parameter
 * @typedef {{row: number, col: number, derived: number, measured: number}} Comparison
 * @typedef {{parameter: Parameter, error: number, passed: boolean, worst: Comparison,
 *            tolerance: number}} ParameterCheck
 */
import { matrix } from "./matrix.js";
import { passesWith } from "./mistakes.js";
import { cost, forward } from "./passes.js";
import { randomNumbers } from "./random.js";

/** @type {Parameter[]} */
const PARAMETERS = ["W1", "b1", "W2", "b2"];
const STEP = Math.cbrt(Number.EPSILON); // ε balances the error of the formula and the error of rounding
const TOLERANCE = 1e-5; // relative; a mistake's error is larger by far
const ROUNDING = 1e-5; // slopes below this part of the cost are lost in its rounding

/**
 * Compares a backward pass, with mistakes planted, with the slopes of the right cost.
 *
 * @param {Network} network
 * @param {Matrix} X m×D
 * @param {Int32Array} y m labels
 * @param {Set<string>} [mistakes]
 * @param {{entries?: number, seed?: number}} [options] how many entries of each parameter
 * @returns {ParameterCheck[]}
 */
export function gradientCheck(network, X, y, mistakes = new Set(), { entries = 24, seed = 0 } = {}) {
    const passes = passesWith(mistakes);
    const derived = passes.backward(network, X, y, passes.forward(network, X));
    const random = randomNumbers(seed);
    /** @type {Partial<Record<Parameter, number[]>>} */
    const columns = { W1: columnsInUse(X) };
    const measure = slopeMeter(network, X, y);
    const smallest = ROUNDING * (1 + cost(forward(network, X).Z2, y));
    return PARAMETERS.map((parameter) => {
        const gradient = derived[/** @type {keyof Gradient} */ (`d${parameter}`)];
        const places = choosePlaces(gradient, columns[parameter], entries, random);
        return judge(parameter, places.map(([row, col]) => {
            const slope = gradient.data[row * gradient.cols + col];
            return { row, col, derived: slope, measured: measure(parameter, row, col, slope) };
        }), smallest);
    });
}

/**
 * The error is relative to the largest slope, so that a tiny one cannot fail by rounding.
 *
 * @param {Parameter} parameter
 * @param {Comparison[]} comparisons
 * @param {number} smallest
 * @returns {ParameterCheck}
 */
function judge(parameter, comparisons, smallest) {
    const sizes = comparisons.flatMap(({ derived, measured }) => [Math.abs(derived), Math.abs(measured)]);
    const scale = Math.max(smallest, ...sizes);
    let worst = comparisons[0];
    let error = -1;
    for (const comparison of comparisons) {
        const found = Math.abs(comparison.derived - comparison.measured) / scale;
        if (!(found <= error)) { // also if it is NaN
            worst = comparison;
            error = found;
        }
        if (Number.isNaN(error)) {
            break;
        }
    }
    return { parameter, error, passed: error <= TOLERANCE, worst, tolerance: TOLERANCE };
}

/**
 * Returns a function that measures the slope of the cost in one number of one parameter.
 *
 * If ±ε turns a hidden unit on or off, the cost has a corner between the two. Then any slope
 * between the slopes of the two sides is right, and the one nearest to the derived slope is returned.
 *
 * @param {Network} network
 * @param {Matrix} X m×D
 * @param {Int32Array} y m labels
 */
function slopeMeter(network, X, y) {
    const copy = (/** @type {Matrix} */ { rows, cols, data }) => matrix(rows, cols, data.slice());
    const { W1, b1, W2, b2 } = network;
    const moved = { W1: copy(W1), b1: copy(b1), W2: copy(W2), b2: copy(b2) };
    const here = forward(network, X);
    const costHere = cost(here.Z2, y);

    /**
     * @param {Parameter} parameter
     * @param {number} row
     * @param {number} col
     * @param {number} derived
     * @returns {number}
     */
    return function measure(parameter, row, col, derived) {
        const { data, cols } = moved[parameter];
        const place = row * cols + col;
        const value = data[place];
        data[place] = value + STEP;
        const [above, stepUp] = [forward(moved, X), data[place] - value];
        data[place] = value - STEP;
        const [below, stepDown] = [forward(moved, X), value - data[place]];
        data[place] = value;
        const [costAbove, costBelow] = [cost(above.Z2, y), cost(below.Z2, y)];
        if (sameUnitsOn(above.Z1, below.Z1)) {
            return (costAbove - costBelow) / (stepUp + stepDown);
        }
        const sides = [(costAbove - costHere) / stepUp, (costHere - costBelow) / stepDown];
        return Math.min(Math.max(derived, Math.min(...sides)), Math.max(...sides));
    };
}

/**
 * @param {Matrix} Z1
 * @param {Matrix} other
 */
function sameUnitsOn(Z1, other) {
    return Z1.data.every((z, n) => z > 0 === other.data[n] > 0);
}

/**
 * Features that are not 0 in every sample; the others have no slope.
 *
 * @param {Matrix} X m×D
 */
function columnsInUse(X) {
    const used = [];
    for (let j = 0; j < X.cols; j++) {
        for (let i = 0; i < X.rows; i++) {
            if (X.data[i * X.cols + j] !== 0) {
                used.push(j);
                break;
            }
        }
    }
    return used;
}

/**
 * Places in all rows in turn, so that each hidden unit and each class is checked.
 *
 * @param {Matrix} gradient
 * @param {number[] | undefined} columns
 * @param {number} entries
 * @param {Random} random
 * @returns {[number, number][]}
 */
function choosePlaces(gradient, columns, entries, random) {
    const { rows, cols } = gradient;
    /** @type {(row: number, col: number) => [number, number]} */
    const pair = (row, col) => [row, col];
    const choices = columns?.length ? columns : Array.from({ length: cols }, (_, j) => j);
    if (rows * choices.length <= entries) {
        return Array.from({ length: rows }, (_, row) => choices.map((col) => pair(row, col))).flat();
    }
    return Array.from({ length: entries }, (_, n) => pair(n % rows, choices[random.below(choices.length)]));
}
