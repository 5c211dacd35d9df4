/**
 * Training in the page: full-batch descent in a worker, or in slices on the page's own thread
 * where no worker can be made.
 *
 * @typedef {import("../math/descent.js").Progress} Progress
 * @typedef {import("../math/passes.js").Network} Network
 */
import { createDescent } from "../math/descent.js";

const SLICE_MILLISECONDS = 8; // of a frame's 16: the other half is for drawing

/**
 * Makes a trainer that is not running yet.
 *
 * @param {{network: Network, X: import("../math/matrix.js").Matrix, y: Int32Array,
 *          learningRate: number, onProgress: (progress: Progress) => void}} options
 *   X m×D, y m labels; onProgress is called at most 30 times a second, and once whenever the
 *   trainer stops, has taken its steps, or has loaded a network
 */
export function createTrainer({ network, X, y, learningRate, onProgress }) {
    const start = { network, X, y, learningRate };
    let generation = 0;
    let disposed = false;
    let calls = []; // since the last load: to be repeated if the worker turns out not to start
    let thread = startWorker();
    if (thread === null) {
        startHere();
    }

    function startHere() {
        const guarded = (progress) => disposed || onProgress(progress);
        thread = createDescent({ ...start, onProgress: guarded, sliceMilliseconds: SLICE_MILLISECONDS });
    }

    function startWorker() {
        let worker;
        try {
            worker = makeWorker();
        } catch {
            return null; // no workers here
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
            startHere();
            calls.forEach(([method, values]) => thread[method](...values));
        };
        const send = (method, values) => worker.postMessage({ method, values, generation });
        send("create", [start]);
        const call = (method) => (...values) => send(method, values);
        return {
            run: call("run"),
            stop: call("stop"),
            step: call("step"),
            setLearningRate: call("setLearningRate"),
            load: call("load"),
            dispose: () => worker.terminate(),
        };
    }

    function call(method, ...values) {
        calls.push([method, values]);
        thread[method](...values);
    }

    return {
        /** Goes on until `stop`, or until the numbers overflow. */
        run: () => call("run"),
        stop: () => call("stop"),
        /** @param {number} count steps from now on; then it stops by itself */
        step: (count = 1) => call("step", count),
        /** @param {number} rate η, from the next step on */
        setLearningRate: (rate) => call("setLearningRate", rate),
        /**
         * Stops, and starts anew with another network.
         * @param {Network} other
         * @param {number} [iteration] how many steps it has behind it
         */
        load(other, iteration = 0) {
            generation += 1;
            calls = [];
            call("load", other, iteration);
        },
        dispose() {
            disposed = true;
            thread.dispose();
        },
    };
}

/** In a page of one file the worker's text is in the page; elsewhere it lies beside it. */
function makeWorker() {
    const inlined = document.getElementById("handgrad-worker");
    if (inlined === null) {
        return new Worker("run/worker.js", { type: "module" });
    }
    const address = URL.createObjectURL(new Blob([inlined.textContent], { type: "text/javascript" }));
    try {
        return new Worker(address);
    } finally {
        // The worker fetches its text in the next task at the latest.
        setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }
}
