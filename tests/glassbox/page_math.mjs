// Runs the page's arithmetic for test_page_math.py: a job as JSON on standard input, its result
// as JSON on standard output. JSON has no NaN, so numbers that are not finite become texts.
import { readFileSync } from "node:fs";
import { labelsOf, parsePayload, rowsOf } from "../../src/handgrad/glassbox/page/data/payload.js";
import { centred } from "../../src/handgrad/glassbox/page/data/digit.js";
import { outerProducts } from "../../src/handgrad/glassbox/page/math/outer_products.js";
import { gradientCheck } from "../../src/handgrad/glassbox/page/math/gradient_check.js";
import { createDescent } from "../../src/handgrad/glassbox/page/math/descent.js";
import { matrix, multiply, multiplyTransposedRight, transpose } from "../../src/handgrad/glassbox/page/math/matrix.js";
import { possible } from "../../src/handgrad/glassbox/page/math/mistakes.js";
import { initialNetwork } from "../../src/handgrad/glassbox/page/math/passes.js";
import { sumBehind } from "../../src/handgrad/glassbox/page/math/sum_behind.js";
import { createTrainer } from "../../src/handgrad/glassbox/page/run/trainer.js";
import { matrixOf, shapesWithNumbers, STEPS, tracePass } from "../../src/handgrad/glassbox/page/math/trace.js";

const toMatrix = (rows) => matrix(rows.length, rows[0].length, Float64Array.from(rows.flat()));
const toRows = (M) => Array.from({ length: M.rows }, (_, i) => Array.from(M.data.slice(i * M.cols, (i + 1) * M.cols)));
const toNetwork = (network) => Object.fromEntries(Object.entries(network).map(([name, rows]) => [name, toMatrix(rows)]));
const toProblem = ({ network, X, y }) => [toNetwork(network), toMatrix(X), Int32Array.from(y)];

const BACKWARD = ["dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"];
const PARAMETERS = ["W1", "b1", "W2", "b2"];
const SUMMED = ["Z1", "A1", "Z2", "A2", ...BACKWARD, ...PARAMETERS.map((name) => `${name} after`)];

function traceOf({ mistakes = [], learningRate = 0.5, ...problem }) {
    return tracePass(...toProblem(problem), learningRate, new Set(mistakes));
}

const JOBS = {
    passes(problem) {
        const trace = traceOf(problem);
        const names = ["Z1", "A1", "Z2", "A2", ...BACKWARD, ...PARAMETERS.map((n) => `${n} after`)];
        const matrices = Object.fromEntries(names.map((name) => [name, toRows(matrixOf(trace, name))]));
        return { ...matrices, predictions: Array.from(trace.predictions), losses: Array.from(trace.losses), cost: trace.cost };
    },
    sums(problem) {
        const trace = traceOf(problem);
        const places = SUMMED.flatMap((name) => {
            const M = matrixOf(trace, name);
            return Array.from(M.data, (entry, n) => [name, Math.floor(n / M.cols), n % M.cols, entry]);
        });
        places.push(["C", 0, 0, trace.cost], ...Array.from(trace.losses, (loss, i) => ["losses", 0, i, loss]));
        return places.map(([name, row, col, entry]) => ({ name, row, col, entry, ...sumBehind(trace, name, row, col) }));
    },
    outerProducts(problem) {
        const { dZ2, dZ1, A1, X, dW2, dW1 } = traceOf(problem);
        return {
            dW2: [...outerProducts(dZ2, A1)].map(toRows),
            dW1: [...outerProducts(dZ1, transpose(X))].map(toRows),
            products: { dW2: toRows(dW2), dW1: toRows(dW1) },
        };
    },
    check: ({ mistakes, entries, ...problem }) => gradientCheck(...toProblem(problem), new Set(mistakes), { entries }),
    possible: ({ id, network, m }) => possible(id, toNetwork(network), m),
    shapes: (sizes) => STEPS.map((step) => ({ ids: step.ids, results: step.results, statement: step.statement, shapes: shapesWithNumbers(step, sizes) })),
    centred: ({ drawings }) => drawings.map(({ ink, width, height, imageShape }) => Array.from(centred(Float64Array.from(ink), width, height, imageShape))),
    initial({ D, H, K, seed }) {
        const network = initialNetwork(D, H, K, seed);
        return Object.fromEntries(Object.entries(network).map(([name, M]) => [name, toRows(M)]));
    },
    products: ({ A, B }) => ({ multiply: toRows(multiply(toMatrix(A), toMatrix(B))), transposed: toRows(multiplyTransposedRight(toMatrix(A), transpose(toMatrix(B)))) }),
    payload({ text, indices }) {
        const { network, samples, ...rest } = parsePayload(text);
        const parameters = Object.fromEntries(Object.entries(network).map(([name, M]) => [name, toRows(M)]));
        const names = indices.map((i) => samples.name(i));
        const labels = samples.hasLabels ? Array.from(labelsOf(samples, indices)) : null;
        return { ...rest, network: parameters, count: samples.count, X: toRows(rowsOf(samples, indices)), labels, names };
    },
    descend: ({ steps, learningRate, ...problem }) => new Promise((resolve) => {
        const [network, X, y] = toProblem(problem);
        const reports = [];
        const onProgress = (report) => {
            reports.push({ ...report, network: Object.fromEntries(PARAMETERS.map((name) => [name, toRows(report.network[name])])) });
            if (!report.running) {
                resolve(reports);
            }
        };
        createDescent({ X, y, network, learningRate, onProgress, sliceMilliseconds: 5 }).step(steps);
    }),
    // A page without workers, or with one that does not start, trains on its own thread.
    train: ({ worker, calls, ...problem }) => new Promise((resolve) => {
        globalThis.document = { getElementById: () => null };
        if (worker === "fails") {
            globalThis.Worker = class {
                constructor() {
                    setTimeout(() => this.onerror({ preventDefault() {} }), 20);
                }
                postMessage() {}
                terminate() {}
            };
        }
        const [network, X, y] = toProblem(problem);
        const costs = [];
        const trainer = createTrainer({ network, X, y, learningRate: 0.1, onProgress: (report) => {
            costs.push(...report.costs);
            if (!report.running && report.iteration === 3) {
                trainer.dispose();
                resolve(costs);
            }
        } });
        calls.forEach(([method, ...values]) => trainer[method](...values.map((value) => value.W1 ? toNetwork(value) : value)));
    }),
};

const { job, ...input } = JSON.parse(readFileSync(0, "utf8"));
const result = await JOBS[job](input);
const write = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
process.stdout.write(JSON.stringify(result, write));
