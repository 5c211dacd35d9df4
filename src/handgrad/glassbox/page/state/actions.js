/**
 * What a learner does, in the words of the page, as changes of the store.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Entry } from "../math/trace.js"
 * @import { Sample } from "./samples.js"
 * @import { State } from "./state.js"
 * @import { Store } from "./store.js"
 *
 * @typedef {ReturnType<typeof createActions>} Actions
 */
import { embedded, largestBatch } from "./samples.js";

/**
 * @param {Store<State>} store
 * @param {Payload} payload
 */
export function createActions(store, payload) {
    /**
     * @param {Sample} sample
     * @param {Partial<State>} change
     */
    function choose(sample, change = {}) {
        const m = Math.min(store.get().m, largestBatch(sample, payload));
        store.set({ sample, m, meant: null, about: null, entry: null, hover: null, added: null, ...change });
    }

    return {
        choose,
        /**
         * Chooses a sample.
         *
         * @param {Sample} sample
         */
        open(sample) {
            choose(sample);
        },
        /**
         * A sample's trace: its pass from the first step on.
         *
         * @param {Sample} sample
         */
        openTrace(sample) {
            choose(sample, { view: "pass", step: 1 });
        },
        /** @param {1 | -1} by */
        neighbour(by) {
            const { sample } = store.get();
            const { order } = payload;
            const index = sample.kind === "embedded" || sample.kind === "edited" ? sample.index : null;
            const place = index !== null ? order.placeOf(index) + by : by > 0 ? 0 : -1;
            choose(embedded(order.at(place)));
        },
        /**
         * Shows a step of the pass, and an entry of it, if one is given.
         *
         * @param {number} step
         * @param {Entry | null} entry
         */
        inspect(step, entry) {
            store.set({ view: "pass", step, entry, hover: null });
        },
    };
}
