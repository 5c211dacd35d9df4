/**
 * Everything that the page remembers, in one object; see store.js for who reads and writes it.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { CostPoint } from "../math/descent.js"
 * @import { Network } from "../math/passes.js"
 * @import { Entry } from "../math/trace.js"
 * @import { LiveState } from "../run/live_line.js"
 * @import { Sample } from "./samples.js"
 *
 * @typedef {{network: Network, iteration: number, costs: CostPoint[], base: Network,
 *            learningRate?: number}} Undo what one Undo brings back
 * @typedef {object} State
 * @property {string} view one of VIEWS
 * @property {number} step of the pass: 0 to 11
 * @property {Entry | null} entry the chosen entry
 * @property {Entry | null} hover the entry under the pointer
 * @property {Sample} sample the chosen sample, the first of the batch
 * @property {number | null} meant the label that the learner gives to a sample without one
 * @property {number | null} about the class that the overview explains; null is the prediction
 * @property {number} m samples in the batch
 * @property {number} column the sample of the batch that the mask is shown for
 * @property {boolean} sums whether gradients are shown as sums over samples
 * @property {number | null} added how many terms of such a sum are added; null is all
 * @property {string[]} mistakes ids of the planted mistakes
 * @property {number} learningRate η
 * @property {Network} network
 * @property {number} iteration steps taken so far
 * @property {CostPoint[]} costs
 * @property {boolean} running whether the page trains the network now
 * @property {boolean} diverged whether the numbers have overflowed
 * @property {Undo[]} undo
 * @property {Network} base what "What has changed" compares with
 * @property {boolean} changesOnly whether W1's pictures show only what has changed
 * @property {"all" | "wrong" | "hardest" | number} picking which samples to pick from; a number is
 *   a class
 * @property {{truth: number, says: number} | null} cell of the confusion matrix
 * @property {number} contrast
 * @property {"light" | "dark"} theme
 * @property {number | null} tour the stop of the tour
 * @property {{connected?: boolean, state?: LiveState} | null} live what the server says
 * @property {boolean} following whether the page shows the run on the server
 * @property {number} resized how often the window has changed its width
 */
import { firstSample } from "./samples.js";

/**
 * @param {Payload} payload
 * @param {boolean} dark
 * @returns {State}
 */
export function initialState(payload, dark) {
    const [first = 0] = payload.show?.samples ?? [];
    const companions = payload.show?.samples?.length ?? 1;
    return {
        view: payload.live ? "descend" : payload.show ? "pass" : "draw",
        step: payload.show?.step ?? 0,
        entry: null,
        hover: null,
        sample: firstSample(payload, first),
        meant: null,
        about: null,
        m: Math.min(64, companions),
        column: 0,
        sums: false,
        added: null,
        mistakes: [],
        learningRate: payload.learningRate,
        network: payload.network,
        iteration: 0,
        costs: [],
        running: false,
        diverged: false,
        undo: [],
        base: payload.network,
        changesOnly: false,
        picking: "all",
        cell: null,
        contrast: 1,
        theme: dark ? "dark" : "light",
        tour: null,
        live: null,
        following: payload.live,
        resized: 0,
    };
}
