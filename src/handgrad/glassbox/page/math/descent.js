/**
 * A run of full-batch gradient descent in slices of time, so that other work in the same thread
 * can run between them.
 *
 * @import { Matrix } from "./matrix.js"
 * @import { Network } from "./passes.js"
 *
 * @typedef {[number, number, number]} CostPoint iteration, cost, accuracy
 * @typedef {ReturnType<typeof createDescent>} Descent
 * @typedef {{network: Network, iteration: number, costs: CostPoint[],
 *            running: boolean, diverged: boolean}} Progress
 *   costs of each network since the last report, this one included
 */
import { backward, cost, descend, forward, predict } from "./passes.js";

const MILLISECONDS_BETWEEN_REPORTS = 1000 / 30;

/**
 * @param {{X: Matrix, y: Int32Array, network: Network, learningRate: number,
 *          onProgress: (progress: Progress) => void, sliceMilliseconds: number}} options
 *   X m×D, y m labels
 */
export function createDescent({ X, y, network, learningRate, onProgress, sliceMilliseconds }) {
    let η = learningRate;
    let current = network;
    let activations = forward(network, X);
    let iteration = 0;
    /** @type {CostPoint[]} */
    let costs = [];
    let stepsLeft = 0;
    let diverged = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let lastReport = 0;

    /** Runs the forward pass with the current network, and records its cost and accuracy. */
    function look() {
        activations = forward(current, X);
        const currentCost = cost(activations.Z2, y);
        const predictions = predict(activations.A2);
        let right = 0;
        for (let i = 0; i < y.length; i++) {
            right += predictions[i] === y[i] ? 1 : 0;
        }
        costs.push([iteration, currentCost, right / y.length]);
        diverged = !Number.isFinite(currentCost);
    }

    function takeStep() {
        current = descend(current, backward(current, X, y, activations), η);
        iteration += 1;
        stepsLeft -= 1;
        look();
        if (diverged) {
            stepsLeft = 0;
        }
    }

    function report() {
        lastReport = performance.now();
        const sent = costs;
        costs = [];
        onProgress({ network: current, iteration, costs: sent, running: stepsLeft > 0, diverged });
    }

    function slice() {
        const end = performance.now() + sliceMilliseconds;
        do {
            takeStep();
        } while (stepsLeft > 0 && performance.now() < end);
        timer = stepsLeft > 0 ? setTimeout(slice, 0) : undefined;
        if (timer === undefined || performance.now() - lastReport >= MILLISECONDS_BETWEEN_REPORTS) {
            report();
        }
    }

    /** @param {number} count */
    function go(count) {
        if (diverged) {
            report();
            return;
        }
        stepsLeft = count;
        timer ??= setTimeout(slice, 0);
    }

    function halt() {
        clearTimeout(timer);
        timer = undefined;
        stepsLeft = 0;
    }

    look();
    return {
        /** Runs until it is stopped, or until the numbers overflow. */
        run: () => go(Infinity),
        /** @param {number} count steps from now on */
        step: (count) => go(count),
        stop() {
            halt();
            report();
        },
        /** @param {number} rate η */
        setLearningRate(rate) {
            η = rate;
        },
        /**
         * Stops, and starts again with another network.
         *
         * @param {Network} other
         * @param {number} [itsIteration] steps that it has behind it
         */
        load(other, itsIteration = 0) {
            halt();
            current = other;
            iteration = itsIteration;
            costs = [];
            look();
            report();
        },
        dispose: halt,
    };
}
