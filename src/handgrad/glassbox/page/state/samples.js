/**
 * The samples of the batch: first the one that the learner chose or drew, then embedded ones.
 *
 * @import { Payload, ReadPayload } from "../data/payload.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { State } from "./state.js"
 *
 * @typedef {{kind: "embedded", index: number}} EmbeddedSample
 * @typedef {{kind: "drawn", values: Float64Array}} DrawnSample values on 256 levels
 * @typedef {{kind: "edited", index: number | null, values: Float64Array}} EditedSample
 *   features of an embedded sample that the learner changed
 * @typedef {{kind: "remote", part: string, index: number, values: Float64Array,
 *            label: number | null, name: string}} RemoteSample fetched from the live page's server
 * @typedef {{X: Matrix, y: Int32Array, assumed: boolean[], samples: Sample[]}} Batch X is m×D; a sample
 *   without a label is assumed to be what the network predicts, and `assumed` marks such samples
 * @typedef {EmbeddedSample | DrawnSample | EditedSample | RemoteSample} Sample
 */
import { matrix } from "../math/matrix.js";
import { forward, predict } from "../math/passes.js";

export const LARGEST_BATCH = 64;

/**
 * @param {ReadPayload} payload
 * @param {number} [index]
 * @returns {Sample} the sample that is chosen at first: an embedded one, or else an empty one
 */
export function firstSample(payload, index = 0) {
    if (index < payload.samples.count) {
        return embedded(index);
    }
    const values = new Float64Array(payload.D);
    return payload.imageShape === null ? { kind: "edited", index: null, values } : { kind: "drawn", values };
}

/**
 * @param {number} index
 * @returns {EmbeddedSample}
 */
export function embedded(index) {
    return { kind: "embedded", index };
}

/**
 * @param {Sample} sample
 * @param {ReadPayload} payload
 * @returns {Float64Array} the D features of a sample
 */
export function valuesOf(sample, payload) {
    return sample.kind === "embedded" ? payload.samples.row(sample.index) : sample.values;
}

/**
 * @param {Sample} sample
 * @param {ReadPayload} payload
 * @returns {number | null} the label that comes with a sample
 */
export function labelOf(sample, payload) {
    if (sample.kind === "remote") {
        return sample.label;
    }
    return sample.kind === "embedded" && payload.samples.hasLabels
        ? payload.samples.label(sample.index)
        : null;
}

/**
 * @param {Sample} sample
 * @param {ReadPayload} payload
 * @returns {string} "Sample 12", "Your drawing"
 */
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

/**
 * The embedded samples that follow the first one in a batch of m, in the page's order.
 *
 * @param {Sample} sample
 * @param {number} m
 * @param {Payload} payload
 */
export function companionsOf(sample, m, payload) {
    const { order, samples } = payload;
    const isEmbedded = sample.kind === "embedded";
    const start = isEmbedded ? order.placeOf(sample.index) + 1 : 0;
    const wanted = Math.min(m - 1, isEmbedded ? samples.count - 1 : samples.count);
    return Array.from({ length: Math.max(0, wanted) }, (_, n) => order.at(start + n));
}

/**
 * @param {Sample} sample
 * @param {ReadPayload} payload
 * @returns {number} the largest batch that these samples can fill
 */
export function largestBatch(sample, payload) {
    const { count } = payload.samples;
    return Math.max(1, Math.min(LARGEST_BATCH, sample.kind === "embedded" ? count : count + 1));
}

/**
 * @param {Pick<State, "sample" | "meant" | "m" | "network">} state
 * @param {Payload} payload
 * @returns {Batch}
 */
export function batchOf(state, payload) {
    const companions = companionsOf(state.sample, state.m, payload).map(embedded);
    const samples = [state.sample, ...companions];
    const X = matrix(samples.length, payload.D);
    samples.forEach((sample, i) => X.data.set(valuesOf(sample, payload), i * payload.D));

    const labels = samples.map((sample) => labelOf(sample, payload));
    if (state.meant !== null) {
        labels[0] = state.meant;
    }
    const assumed = labels.map((label) => label === null);
    const predictions = assumed.includes(true) ? predict(forward(state.network, X).A2) : [];
    const y = Int32Array.from(labels, (label, i) => label ?? predictions[i]);
    return { X, y, assumed, samples };
}
