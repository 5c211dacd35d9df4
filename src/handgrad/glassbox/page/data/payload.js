/**
 * Reads the page's data from the JSON in the document: network, samples, what to show.
 *
 * @import { Matrix } from "../math/matrix.js"
 * @import { Network } from "../math/passes.js"
 * @import { Order } from "../state/order.js"
 *
 * @typedef {keyof typeof SIZES} NumberType
 * @typedef {{features: number, hidden: number, classes: number, dtype: NumberType, W1: string,
 *            b1: string, W2: string, b2: string}} SentModel sizes, and parameters as base64
 * @typedef {{count: number, dtype: NumberType, X: string, y: number[] | null, names: string[]}} SentSamples
 * @typedef {SentModel & {class_names: string[], image_shape: [number, number] | null,
 *            feature_names: string[] | null, scaling: number}} DescribedModel
 * @typedef {{version: number, model: DescribedModel, samples: SentSamples,
 *            learning_rate: number | null, show: {samples?: number[], step?: number} | null,
 *            live?: boolean, derivation: string | null}} SentPayload as Python writes it
 * @typedef {ReturnType<typeof decodeSamples>} Samples
 * @typedef {ReturnType<typeof parsePayload>} ReadPayload
 * @typedef {ReadPayload & {order: Order}} Payload
 */
import { matrix } from "../math/matrix.js";

const VERSION = 1;
const PIXEL_SCALE = 1 / 255;
const SIZES = { uint8: 1, float32: 4, float64: 8 };

/**
 * @param {Document} document with the JSON in the script element #handgrad-data
 */
export function readPayload(document) {
    return parsePayload(document.getElementById("handgrad-data")?.textContent ?? "");
}

/**
 * @param {string} text JSON
 */
export function parsePayload(text) {
    /** @type {SentPayload} */
    const payload = JSON.parse(text);
    if (payload.version !== VERSION) {
        throw new Error(`The data of this page has version ${payload.version}; expected ${VERSION}: export it again.`);
    }
    const { model } = payload;
    return {
        network: decodeNetwork(model),
        classNames: model.class_names,
        imageShape: model.image_shape,
        featureNames: model.feature_names,
        D: model.features,
        H: model.hidden,
        K: model.classes,
        scaling: model.scaling,
        learningRate: payload.learning_rate ?? 0.1,
        samples: decodeSamples(payload.samples, model.features),
        show: payload.show ?? null,
        live: payload.live === true,
        derivation: payload.derivation ?? "",
    };
}

/**
 * @param {SentModel} model
 * @returns {Network}
 */
export function decodeNetwork({ features, hidden, classes, dtype, W1, b1, W2, b2 }) {
    /** @type {(rows: number, cols: number, text: string) => Matrix} */
    const decode = (rows, cols, text) => matrix(rows, cols, numbers(bytes(text), dtype, 0, rows * cols));
    return {
        W1: decode(hidden, features, W1),
        b1: decode(hidden, 1, b1),
        W2: decode(classes, hidden, W2),
        b2: decode(classes, 1, b2),
    };
}

/**
 * Samples stay encoded until one is read; then pixels are scaled by 1/255.
 *
 * @param {SentSamples} samples
 * @param {number} features D
 */
export function decodeSamples({ count, dtype, X, y, names }, features) {
    const encoded = bytes(X);
    const expected = count * features * SIZES[dtype];
    if (encoded.length !== expected) {
        throw new Error(`The samples take ${encoded.length} bytes; expected ${expected}: export the page again.`);
    }
    const hasLabels = y !== null;
    return {
        count,
        features,
        hasLabels,
        /** @type {(i: number) => Float64Array} D numbers */
        row: (i) => numbers(encoded, dtype, i * features, features),
        /** @type {(i: number) => number | null} */
        label: (i) => y?.[i] ?? null,
        /** @type {(i: number) => string} */
        name: (i) => names[i] ?? String(i),
    };
}

/**
 * @param {Samples} samples
 * @param {ArrayLike<number>} indices m of them
 * @returns {Matrix} m×D
 */
export function rowsOf(samples, indices) {
    const X = matrix(indices.length, samples.features);
    for (let i = 0; i < indices.length; i++) {
        X.data.set(samples.row(indices[i]), i * samples.features);
    }
    return X;
}

/**
 * @param {Samples} samples that have labels
 * @param {ArrayLike<number>} indices
 * @returns {Int32Array} the labels of those samples
 */
export function labelsOf(samples, indices) {
    return Int32Array.from(indices, (i) => samples.label(i) ?? NaN);
}

/** @param {string} base64 */
function bytes(base64) {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/**
 * Decodes little-endian numbers from the n-th on, whatever the machine's own order is.
 *
 * @param {Uint8Array} encoded
 * @param {NumberType} dtype
 * @param {number} first
 * @param {number} count
 */
function numbers(encoded, dtype, first, count) {
    const size = SIZES[dtype];
    const view = new DataView(encoded.buffer, encoded.byteOffset + first * size, count * size);
    /** @type {Record<NumberType, (n: number) => number>} */
    const readers = {
        uint8: (n) => view.getUint8(n) * PIXEL_SCALE,
        float32: (n) => view.getFloat32(n * size, true),
        float64: (n) => view.getFloat64(n * size, true),
    };
    const read = readers[dtype];
    const values = new Float64Array(count);
    for (let n = 0; n < count; n++) {
        values[n] = read(n);
    }
    return values;
}
