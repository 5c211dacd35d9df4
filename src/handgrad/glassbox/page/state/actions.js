/** What a learner does, in the words of the page, as changes of the store. */
import { largestBatch } from "./samples.js";

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
            const { order } = payload;
            const isPlaced =
                sample.kind === "embedded" || (sample.kind === "edited" && sample.index !== null);
            const place = isPlaced ? order.placeOf(sample.index) + by : by > 0 ? 0 : -1;
            choose({ kind: "embedded", index: order.at(place) });
        },
        /** Shows a step of the pass, and an entry of it where there is one. */
        inspect(step, entry) {
            store.set({ view: "pass", step, entry, hover: null });
        },
    };
}
