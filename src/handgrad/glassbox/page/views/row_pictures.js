/**
 * F1 and B6 as pictures: a row of W1, the sample, and what each feature adds to the entry.
 *
 * @import { Palette } from "../drawing/colours.js"
 * @import { Page } from "../main.js"
 * @import { Entry, Trace } from "../math/trace.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatNumber, formatSigned } from "../drawing/numbers.js";
import { createPicture } from "../drawing/picture.js";
import { featureName } from "./evidence.js";
import { createShareBars } from "./share_bars.js";

/**
 * @param {Page} page
 */
export function createRowPictures({ payload, store }) {
    const { imageShape, D } = payload;
    const captions = [element("figcaption"), element("figcaption"), element("figcaption")];
    const pictures = captions.map(() => createPicture(imageShape, { onPoint: (j) => point(j) }));
    const signs = ["×", "="].map((text) => element("span.sign", { text, "aria-hidden": "true" }));
    const figures = pictures.map((picture, n) =>
        element("figure.share-figure", {}, picture.node, captions[n]),
    );
    const heading = element("h2");
    const explanation = element("p");
    const pointed = element("p.note");
    const list = imageShape === null ? createShareBars(payload) : null;
    const node = element(
        "section.card.share",
        {},
        heading,
        explanation,
        element("div.share-figures", {}, figures[0], signs[0], figures[1], signs[1], figures[2]),
        list?.node,
        pointed,
    );
    /** @type {{values: Float64Array[], gradient: boolean, row: number, feature: number | null, product: boolean} | null} */
    let content = null;

    /**
     * A feature that is pointed at on a picture of dW1 is an entry of it.
     *
     * @param {number | null} j
     */
    function point(j) {
        pictures.forEach((picture) => picture.mark(j ?? content?.feature ?? null));
        if (j === null || content === null) {
            setText(pointed, "Point at a pixel to read its numbers.");
        } else {
            const [first, second, third] = content.values.map((values) => formatNumber(values[j]));
            setText(
                pointed,
                `${featureName(payload, j)}: ${content.product ? `${first} × ${second} = ${third}` : `dW1 is ${third}`}`,
            );
        }
        if (content?.gradient) {
            store.set({ hover: j === null ? null : { name: "dW1", row: content.row, col: j } });
        }
    }

    /**
     * @param {Trace} trace
     * @param {Palette} palette
     * @param {{gradient: boolean, row: number, sample: number, feature: number | null}} what
     */
    function showContent(trace, palette, { gradient, row, sample, feature }) {
        const { W1 } = trace.network;
        const x = trace.X.data.subarray(sample * D, (sample + 1) * D);
        const weights = W1.data.subarray(row * D, (row + 1) * D);
        const slope = gradient ? trace.dZ1.data[row * trace.X.rows + sample] : 0;
        const values = gradient
            ? [Float64Array.from(x, () => slope), x, trace.dW1.data.subarray(row * D, (row + 1) * D)]
            : [weights, x, weights.map((weight, j) => weight * x[j])];
        content = { values, gradient, row, feature, product: !gradient || trace.X.rows === 1 };
        setText(
            heading,
            gradient
                ? `Row ${row} of dW1 as a picture`
                : `What unit ${row} computes from sample ${sample}`,
        );
        setText(
            explanation,
            gradient ? gradientText(trace, row, slope) : sumText(trace, values[2], row, sample),
        );
        const texts = gradient
            ? [
                  `dZ1[${row}, ${sample}] = ${formatNumber(slope)}`,
                  `row ${sample} of X`,
                  trace.X.rows === 1 ? `row ${row} of dW1` : `row ${row} of dW1, all samples together`,
              ]
            : [`row ${row} of W1`, `row ${sample} of X`, "what each adds"];
        pictures.forEach((picture, n) => {
            picture.show(values[n], palette, texts[n]);
            picture.mark(feature);
            setText(captions[n], texts[n]);
        });
        setText(signs[1], gradient && trace.X.rows > 1 ? "+ … =" : "=");
        list?.show(values[2], palette);
        setText(pointed, imageShape === null ? "" : "Point at a pixel to read its numbers.");
    }

    return {
        node,
        /**
         * @param {Trace} trace
         * @param {Entry | null} entry
         * @param {Palette} palette
         */
        show(trace, entry, palette) {
            const gradient = entry?.name === "dW1" || entry?.name === "dZ1";
            const row =
                ifOf(entry, "Z1", "dW1", "W1", "b1", "dZ1", "db1")?.row ?? strongestUnit(trace);
            showContent(trace, palette, { gradient, row, ...placeIn(entry) });
        },
        /**
         * The same for the backward pass.
         *
         * @param {Trace} trace
         * @param {Entry | null} entry
         * @param {Palette} palette
         */
        showGradient(trace, entry, palette) {
            const row = ifOf(entry, "dW1", "dZ1", "db1")?.row ?? strongestSlope(trace);
            showContent(trace, palette, { gradient: true, row, ...placeIn(entry) });
        },
    };
}

/**
 * Keeps an entry of these matrices.
 *
 * @param {Entry | null} entry
 * @param {string[]} names
 * @returns {Entry | null} the entry if it is
 */
function ifOf(entry, ...names) {
    return entry !== null && names.includes(entry.name) ? entry : null;
}

/**
 * The sample and the feature that an entry belongs to.
 *
 * @param {Entry | null} entry
 */
function placeIn(entry) {
    return {
        sample: ifOf(entry, "Z1", "dZ1")?.col ?? ifOf(entry, "X")?.row ?? 0,
        feature: ifOf(entry, "W1", "dW1", "X")?.col ?? null,
    };
}

/**
 * @param {Trace} trace
 * @param {Float64Array} shares
 * @param {number} row
 * @param {number} sample
 */
function sumText(trace, shares, row, sample) {
    const total = (/** @type {1 | -1} */ sign) => shares.reduce((sum, share) => sum + Math.max(0, sign * share), 0);
    const bias = trace.network.b1.data[row];
    const value = trace.Z1.data[row * trace.X.rows + sample];
    return (
        `Orange adds ${formatSigned(total(1))}, blue takes away ${formatNumber(total(-1))}, the bias adds ${formatSigned(bias)}: ` +
        `Z1[${row}, ${sample}] is ${formatNumber(value)}, so the unit is ${value > 0 ? "on" : "off"}.`
    );
}

/**
 * @param {Trace} trace
 * @param {number} row
 * @param {number} slope
 */
function gradientText(trace, row, slope) {
    if (trace.X.rows === 1 && slope === 0) {
        return `Nothing flows back to unit ${row}, so its row of dW1 is 0. A step does not change its weights.`;
    }
    if (trace.X.rows === 1) {
        return slope > 0
            ? "The slope is positive. A step subtracts a little of this sample from the unit’s weights, so that the unit gives less for it next time."
            : "The slope is negative. A step adds a little of this sample to the unit’s weights, so that the unit gives more for it next time.";
    }
    return "Each sample adds its own features, times the unit’s slope for that sample. The last picture is the sum over the whole batch.";
}

/** @param {Trace} trace */
function strongestUnit({ Z1 }) {
    let best = 0;
    for (let h = 1; h < Z1.rows; h++) {
        best = Z1.data[h * Z1.cols] > Z1.data[best * Z1.cols] ? h : best;
    }
    return best;
}

/** @param {Trace} trace */
function strongestSlope({ dZ1 }) {
    let best = 0;
    for (let h = 1; h < dZ1.rows; h++) {
        best = Math.abs(dZ1.data[h * dZ1.cols]) > Math.abs(dZ1.data[best * dZ1.cols]) ? h : best;
    }
    return best;
}
