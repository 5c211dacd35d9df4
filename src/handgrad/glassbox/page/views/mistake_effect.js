/**
 * What mistakes do to learning: two runs of descent side by side, with and without them.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { Passes } from "../math/mistakes.js"
 * @import { Network } from "../math/passes.js"
 * @import { State } from "../state/state.js"
 *
 * @typedef {ReturnType<typeof createRecordedDescent>} RecordedDescent
 */
import { labelsOf, rowsOf } from "../data/payload.js";
import { createCurve } from "../drawing/curves.js";
import { element, setText } from "../drawing/elements.js";
import { formatNumber } from "../drawing/numbers.js";
import { passesWith } from "../math/mistakes.js";
import { initialNetwork } from "../math/passes.js";

const STEPS = 60;
const SAMPLES = 150; // enough to show an effect, few enough to be quick
const SLICE = 8; // ms of a frame that the two runs may take
const PAUSE = 60; // ms, so that a slider that is still moving does not start a run each time
const LARGEST_EXPONENT = 709; // of exp in float64

/**
 * @param {Payload} payload
 * @returns {{node: HTMLElement, show: (state: State, Z2: Matrix) => void, stop: () => void}}
 *   Z2 are the current logits: if they overflow, the runs start from the current network
 */
export function createEffect(payload) {
    const curve = createCurve("Cost with the chosen η", {
        colours: ["--curve-cost", "--bad"],
        names: ["right", "with the mistakes"],
    });
    const text = element("p");
    const heading = element("h2", { text: "What it does to training" });
    const node = element("section.card", {}, heading, text, curve.node);
    const data = samplesToLearnFrom(payload);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    function stop() {
        clearTimeout(timer);
        timer = undefined;
    }

    /**
     * @param {State} state
     * @param {Matrix} Z2
     */
    function show(state, Z2) {
        stop();
        if (data === null) {
            setText(text, "The embedded samples have no labels, so the network cannot learn from them.");
            return;
        }
        // A mistake shows best from new values; only an overflow needs the current network.
        const overflows = Z2.data.some((z) => Math.abs(z) > LARGEST_EXPONENT);
        const start = overflows ? state.network : initialNetwork(payload.D, payload.H, payload.K, 1);
        const run = (/** @type {string[]} */ mistakes) =>
            createRecordedDescent(passesWith(new Set(mistakes)), start, data.X, data.y, state.learningRate);
        const [right, wrong] = [run([]), run(state.mistakes)];
        const slice = () => {
            const end = performance.now() + SLICE;
            while (performance.now() < end && wrong.costs.length <= STEPS) {
                right.step();
                wrong.step();
            }
            const shown = state.mistakes.length > 0 ? [right, wrong] : [right];
            curve.show(shown.map((one) => one.costs));
            timer = wrong.costs.length <= STEPS ? setTimeout(slice, SLICE) : undefined;
            if (timer === undefined) {
                const origin = overflows ? "the current network" : "new initial values";
                setText(text, effectText(state, [right, wrong], `${data.y.length} samples from ${origin}`));
            }
        };
        setText(text, "Two runs, side by side …");
        timer = setTimeout(slice, PAUSE);
    }

    return { node, show, stop };
}

/** @param {Payload} payload */
function samplesToLearnFrom({ samples, order }) {
    if (!samples.hasLabels) {
        return null;
    }
    const indices = Array.from({ length: Math.min(SAMPLES, samples.count) }, (_, place) => order.at(place));
    return { X: rowsOf(samples, indices), y: labelsOf(samples, indices) };
}

/**
 * @param {Passes} passes
 * @param {Network} start
 * @param {Matrix} X m×D
 * @param {Int32Array} y m labels
 * @param {number} learningRate
 */
function createRecordedDescent(passes, start, X, y, learningRate) {
    let network = start;
    /** @type {[number, number][]} */
    const costs = [];
    return {
        costs,
        step() {
            const activations = passes.forward(network, X);
            costs.push([costs.length, passes.cost(activations.Z2, y)]);
            network = passes.descend(network, passes.backward(network, X, y, activations), learningRate);
        },
    };
}

/**
 * @param {State} state
 * @param {[RecordedDescent, RecordedDescent]} runs
 * @param {string} where
 */
function effectText({ mistakes, learningRate }, [right, wrong], where) {
    const about = `${STEPS} steps on ${where} with η = ${learningRate}`;
    /** @param {RecordedDescent} one */
    const end = (one) => formatNumber(one.costs[one.costs.length - 1][1]);
    if (mistakes.length === 0) {
        return `${about}: the cost ends at ${end(right)}. Plant a mistake to see a second curve beside it.`;
    }
    return `${about}: without the mistakes the cost ends at ${end(right)}, with them at ${end(wrong)}.`;
}
