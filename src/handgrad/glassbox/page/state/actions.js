/** What a learner does, in the words of the page, as changes of the store. */
import { largestBatch } from "./hand.js";

/**
 * @param {object} store
 * @param {object} payload
 */
export function createActions(store, payload) {
    function choose(sample, change = {}) {
        const m = Math.min(store.get().m, largestBatch(sample, payload));
        store.set({ sample, m, meant: null, about: null, entry: null, hover: null, added: null, ...change });
    }

    return {
        choose,
        /** Takes a sample in hand, and shows its pass where the view is not about samples. */
        open(sample) {
            choose(sample);
        },
        /** A sample's trace: its pass from the first step on. */
        openTrace(sample) {
            choose(sample, { view: "pass", step: 1 });
        },
        neighbour(by) {
            const { sample } = store.get();
            const { count } = payload.samples;
            const from = sample.kind === "embedded" || (sample.kind === "edited" && sample.index !== null) ? sample.index : by > 0 ? -1 : 0;
            choose({ kind: "embedded", index: (from + by + count) % count });
        },
        /** Shows a step of the pass, and an entry of it where there is one. */
        inspect(step, entry) {
            store.set({ view: "pass", step, entry, hover: null });
        },
    };
}
