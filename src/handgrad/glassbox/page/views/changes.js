/**
 * What a step changes in W1, unit by unit: −η dW1 as pictures, and why, in words.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Palette } from "../drawing/colours.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { Trace } from "../math/trace.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatNumber, plural } from "../drawing/numbers.js";
import { createPicture } from "../drawing/picture.js";
import { cost, forward } from "../math/passes.js";

/**
 * @param {Payload} payload
 * @returns {{node: HTMLElement, show: (trace: Trace, palette: Palette) => void}}
 */
export function createChanges(payload) {
    const items = Array.from({ length: payload.H }, (_, h) => {
        const picture = createPicture(payload.imageShape);
        const text = element("figcaption");
        return {
            picture,
            text,
            node: element("figure.change", {}, picture.node, element("strong", { text: `Unit ${h}` }), text),
        };
    });
    const summary = element("p");
    const effect = element("p.verdict");
    const node = element(
        "section.card.changes",
        {},
        element("h2", { text: "What this step changes in W1, and why" }),
        effect,
        summary,
        element("div.change-grid", {}, ...items.map((item) => item.node)),
    );
    return {
        node,
        show(trace, palette) {
            const { dW1, dZ1, learningRate: η, X } = trace;
            const m = X.rows;
            let largest = 0;
            dW1.data.forEach((slope) => {
                largest = Math.max(largest, Math.abs(η * slope));
            });
            // The changes are small, so the contrast is raised until the largest one is strong.
            const contrast = largest > 0 ? 10 ** Math.max(0, Math.floor(-Math.log10(largest))) : 1;
            items.forEach(({ picture, text }, h) => {
                const change = dW1.data.subarray(h * dW1.cols, (h + 1) * dW1.cols).map((slope) => -η * slope);
                picture.show(
                    change,
                    { ...palette, contrast: palette.contrast * contrast },
                    `Change of unit ${h}`,
                );
                setText(text, wordsFor(dZ1, h, m));
            });
            setText(
                summary,
                `Each picture is −η times a row of dW1: what the step adds to the unit’s weights (largest change ${formatNumber(largest)}` +
                    `${contrast > 1 ? `; colours here are ${plural(contrast, "time")} stronger than elsewhere` : ""}). ` +
                    "Orange weights grow, blue weights shrink. Where the sample is empty, nothing changes.",
            );
            const costAfter = cost(forward(trace.after, X).Z2, trace.y);
            setText(
                effect,
                `On ${m === 1 ? "this sample" : "this batch"} the cost goes from ${formatNumber(trace.cost, 4)} to ${formatNumber(costAfter, 4)}.`,
            );
        },
    };
}

/**
 * @param {Matrix} dZ1 H×m
 * @param {number} h
 * @param {number} m
 */
function wordsFor(dZ1, h, m) {
    const slopes = dZ1.data.subarray(h * m, (h + 1) * m);
    if (m === 1) {
        const [slope] = slopes;
        if (slope === 0) {
            return "is off here, or has slope 0: it does not change.";
        }
        return slope > 0
            ? "is too strong here: the step subtracts some of this sample."
            : "is too weak here: the step adds some of this sample.";
    }
    const weak = slopes.filter((slope) => slope < 0).length;
    const strong = slopes.filter((slope) => slope > 0).length;
    return `is too weak for ${weak} of the samples, too strong for ${strong}, and off for ${m - weak - strong}.`;
}
