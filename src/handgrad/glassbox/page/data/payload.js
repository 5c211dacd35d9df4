/**
 * What the page was given, read from the JSON in the document: network, samples, what to show.
 *
 * @typedef {import("../math/matrix.js").Matrix} Matrix
 * @typedef {import("../math/passes.js").Network} Network
 */
import { matrix } from "../math/matrix.js";

const VERSION = 1;
const PIXEL_SCALE = 1 / 255;
const SIZES = { uint8: 1, float32: 4, float64: 8 };

/**
 * @param {Document} document with the JSON in the script element #handgrad-data
 */
export function readPayload(document) {
    return parsePayload(document.getElementById("handgrad-data").textContent);
}

/**
 * @param {string} text JSON
 */
export function parsePayload(text) {
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
        training: payload.training ?? {},
        learningRate: payload.learning_rate ?? 0.1,
        samples: decodeSamples(payload.samples, model.features),
        show: payload.show ?? null,
        live: payload.live === true,
        derivation: payload.derivation ?? "",
    };
}

/**
 * @param {{features: number, hidden: number, classes: number, dtype: string, W1: string,
 *          b1: string, W2: string, b2: string}} model parameters as base64
 * @returns {Network}
 */
export function decodeNetwork({ features, hidden, classes, dtype, W1, b1, W2, b2 }) {
    const decode = (rows, cols, text) => matrix(rows, cols, numbers(bytes(text), dtype, 0, rows * cols));
    return {
        W1: decode(hidden, features, W1),
        b1: decode(hidden, 1, b1),
        W2: decode(classes, hidden, W2),
        b2: decode(classes, 1, b2),
    };
}

/**
 * Samples stay as bytes until one is asked for; pixels are scaled by 1/255 then.
 *
 * @param {{count: number, dtype: string, X: string, y: number[] | null, names: string[]}} samples
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
        /** @returns {Float64Array} D numbers */
        row: (i) => numbers(encoded, dtype, i * features, features),
        /** @returns {number | null} */
        label: (i) => (hasLabels ? y[i] : null),
        /** @returns {string} */
        name: (i) => names[i] ?? String(i),
    };
}

/**
 * @param {ReturnType<typeof decodeSamples>} samples
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

/** @returns {Int32Array} the labels of those samples */
export function labelsOf(samples, indices) {
    return Int32Array.from(indices, (i) => samples.label(i));
}

function bytes(base64) {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Decodes little-endian numbers from the n-th on, whatever the machine's own order is. */
function numbers(encoded, dtype, first, count) {
    const size = SIZES[dtype];
    const view = new DataView(encoded.buffer, encoded.byteOffset + first * size, count * size);
    const read = {
        uint8: (n) => view.getUint8(n) * PIXEL_SCALE,
        float32: (n) => view.getFloat32(n * size, true),
        float64: (n) => view.getFloat64(n * size, true),
    }[dtype];
    const values = new Float64Array(count);
    for (let n = 0; n < count; n++) {
        values[n] = read(n);
    }
    return values;
}
