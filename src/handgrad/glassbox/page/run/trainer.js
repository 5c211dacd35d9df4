/**
 * Training in the page: full-batch descent in a worker, or in slices on the page's own thread
 * if the browser cannot create a worker.
 *
 * @import { Descent, Progress } from "../math/descent.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { Network } from "../math/passes.js"
 *
 * @typedef {ReturnType<typeof createTrainer>} Trainer
 * @typedef {Descent} Methods
 */
import { createDescent } from "../math/descent.js";

const SLICE_MILLISECONDS = 8; // of a frame's 16: the other half is for drawing

/**
 * Makes a trainer that is not running yet.
 *
 * @param {{network: Network, X: Matrix, y: Int32Array,
 *          learningRate: number, onProgress: (progress: Progress) => void}} options
 *   X m×D, y m labels; onProgress is called at most 30 times a second, and once whenever the
 *   trainer stops, has taken its steps, or has loaded a network
 */
export function createTrainer({ network, X, y, learningRate, onProgress }) {
    const start = { network, X, y, learningRate };
    let generation = 0;
    let disposed = false;
    /** @type {((thread: Methods) => void)[]} since the last load, in case the worker does not start */
    let calls = [];
    /** @type {Methods} */
    let thread = startWorker() ?? startHere();

    function startHere() {
        return createDescent({
            ...start,
            onProgress: (progress) => disposed || onProgress(progress),
            sliceMilliseconds: SLICE_MILLISECONDS,
        });
    }

    function startWorker() {
        const worker = makeWorker();
        if (worker === null) {
            return null;
        }
        let ready = false;
        worker.onmessage = ({ data }) => {
            if (data.ready) {
                ready = true;
                calls = [];
            } else if (!disposed && data.generation === generation) {
                onProgress(data);
            }
        };
        worker.onerror = (event) => {
            if (ready || disposed) {
                return; // a fault in the arithmetic: leave it to the console
            }
            event.preventDefault();
            worker.terminate();
            thread = startHere();
            calls.forEach((call) => call(thread));
        };
        /** @type {(method: string, ...values: unknown[]) => void} */
        const send = (method, ...values) => worker.postMessage({ method, values, generation });
        send("create", start);
        /** @type {Methods} */
        const methods = {
            run: () => send("run"),
            stop: () => send("stop"),
            step: (count) => send("step", count),
            setLearningRate: (rate) => send("setLearningRate", rate),
            load: (other, iteration) => send("load", other, iteration),
            dispose: () => worker.terminate(),
        };
        return methods;
    }

    /** @param {(thread: Methods) => void} what */
    function call(what) {
        calls.push(what);
        what(thread);
    }

    return {
        /** Runs until `stop`, or until the numbers overflow. */
        run: () => call((one) => one.run()),
        stop: () => call((one) => one.stop()),
        /** @param {number} count steps from now on; then it stops by itself */
        step: (count = 1) => call((one) => one.step(count)),
        /** @param {number} rate η, from the next step on */
        setLearningRate: (rate) => call((one) => one.setLearningRate(rate)),
        /**
         * Stops, and starts anew with another network.
         * @param {Network} other
         * @param {number} [iteration] how many steps it has behind it
         */
        load(other, iteration = 0) {
            generation += 1;
            calls = [];
            call((one) => one.load(other, iteration));
        },
        dispose() {
            disposed = true;
            thread.dispose();
        },
    };
}

/**
 * In a page of one file the page contains the worker's text; elsewhere it is a file.
 *
 * @returns {Worker | null} null if the browser cannot create one
 */
function makeWorker() {
    const inlined = document.getElementById("handgrad-worker");
    try {
        return inlined === null
            ? new Worker("run/worker.js", { type: "module" })
            : workerFrom(inlined.textContent ?? "");
    } catch {
        return null;
    }
}

/** @param {string} text */
function workerFrom(text) {
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    try {
        return new Worker(address);
    } finally {
        // The worker fetches its text in the next task at the latest.
        setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }
}
