/**
 * The samples in hand: the one that the learner chose or drew comes first, and embedded ones
 * after it fill the batch.
 *
 * @typedef {{kind: "embedded", index: number}} EmbeddedSample
 * @typedef {{kind: "drawn", values: Float64Array}} DrawnSample values on 256 levels
 * @typedef {{kind: "edited", index: number | null, values: Float64Array}} EditedSample
 *   features of an embedded sample that the learner changed
 * @typedef {{kind: "remote", part: string, index: number, values: Float64Array,
 *            label: number | null, name: string}} RemoteSample fetched from the live page's server
 * @typedef {EmbeddedSample | DrawnSample | EditedSample | RemoteSample} Sample
 */
import { matrix } from "../math/matrix.js";
import { forward, predict } from "../math/passes.js";

export const LARGEST_BATCH = 64;

/** @returns {Sample} what is in hand at first: an embedded sample, or an empty one where there are none */
export function firstSample(payload, index = 0) {
    if (index < payload.samples.count) {
        return { kind: "embedded", index };
    }
    const values = new Float64Array(payload.D);
    return payload.imageShape === null ? { kind: "edited", index: null, values } : { kind: "drawn", values };
}

/** @returns {Float64Array} the D features of a sample */
export function valuesOf(sample, payload) {
    return sample.kind === "embedded" ? payload.samples.row(sample.index) : sample.values;
}

/** @returns {number | null} the label that comes with a sample */
export function labelOf(sample, payload) {
    if (sample.kind === "remote") {
        return sample.label;
    }
    return sample.kind === "embedded" && payload.samples.hasLabels
        ? payload.samples.label(sample.index)
        : null;
}

/** @returns {string} "Sample 12", "Your drawing" */
export function nameOf(sample, payload) {
    if (sample.kind === "embedded") {
        const name = payload.samples.name(sample.index);
        return /^\d*$/.test(name) ? `Sample ${name || sample.index}` : name;
    }
    if (sample.kind === "remote") {
        return `${sample.part === "test" ? "Test" : "Training"} sample ${sample.index}`;
    }
    if (sample.kind === "edited") {
        return sample.index === null ? "Your features" : `Sample ${sample.index}, changed by you`;
    }
    return "Your drawing";
}

/** The embedded samples that stand behind the first one in a batch of m, in the page's order. */
export function companionsOf(sample, m, payload) {
    const { order, samples } = payload;
    const isEmbedded = sample.kind === "embedded";
    const start = isEmbedded ? order.placeOf(sample.index) + 1 : 0;
    const wanted = Math.min(m - 1, isEmbedded ? samples.count - 1 : samples.count);
    return Array.from({ length: Math.max(0, wanted) }, (_, n) => order.at(start + n));
}

/** @returns {number} the largest batch that these samples can fill */
export function largestBatch(sample, payload) {
    const { count } = payload.samples;
    return Math.max(1, Math.min(LARGEST_BATCH, sample.kind === "embedded" ? count : count + 1));
}

/**
 * @param {object} state `sample`, `meant`, `m` and `network` are read
 * @param {object} payload
 * @returns {{X: import("../math/matrix.js").Matrix, y: Int32Array, assumed: boolean[],
 *            samples: Sample[]}} X is m×D; a sample without a label is taken to be what the
 *   network predicts, and `assumed` says of which that is so
 */
export function batchOf(state, payload) {
    const companions = companionsOf(state.sample, state.m, payload).map((index) => ({
        kind: "embedded",
        index,
    }));
    const samples = [state.sample, ...companions];
    const X = matrix(samples.length, payload.D);
    samples.forEach((sample, i) => X.data.set(valuesOf(sample, payload), i * payload.D));

    const labels = samples.map((sample) => labelOf(sample, payload));
    if (state.meant !== null) {
        labels[0] = state.meant;
    }
    const assumed = labels.map((label) => label === null);
    const predictions = assumed.includes(true) ? predict(forward(state.network, X).A2) : null;
    const y = Int32Array.from(labels, (label, i) => label ?? predictions[i]);
    return { X, y, assumed, samples };
}
