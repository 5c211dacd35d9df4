/**
 * Which features support a class and which count against it, shown on the sample itself.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Page, Part } from "../main.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatSigned } from "../drawing/numbers.js";
import { createPicture } from "../drawing/picture.js";
import { predictionOf } from "../state/derived.js";
import { valuesOf } from "../state/samples.js";
import { createShareBars } from "./share_bars.js";

const READS = ["sample", "network", "about", "theme", "contrast"];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createEvidence({ payload, derived, palette }) {
    const heading = element("h2");
    const text = element("p");
    const pointed = element("p.note", { "aria-live": "off" });
    const list = payload.imageShape === null ? createShareBars(payload) : null;
    const picture = createPicture(payload.imageShape, {
        classes: "evidence-picture",
        onPoint: (j) => point(j),
    });
    const node = element(
        "section.card.evidence",
        {},
        heading,
        element(
            `div.evidence-body${list ? ".listed" : ""}`,
            {},
            list ? list.node : picture.node,
            element("div", {}, text, pointed),
        ),
    );
    /** @type {Float64Array | null} */
    let shares = null;

    /** @param {number | null} j */
    function point(j) {
        picture.mark(j);
        setText(
            pointed,
            j === null || shares === null
                ? "Point at a pixel to see what it adds."
                : `${featureName(payload, j)} adds ${formatSigned(shares[j])}.`,
        );
    }

    return {
        node,
        render(state, changed) {
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            const values = valuesOf(state.sample, payload);
            const { prediction } = predictionOf(state.network, values);
            const k = state.about ?? prediction;
            const evidence = derived.evidence(state.network, values, k);
            const added = evidence.shares;
            shares = added;
            const name = payload.classNames[k];
            const kind = payload.imageShape === null ? "features" : "pixels";
            setText(heading, `Which ${kind} support ${name}?`);
            const total = (/** @type {1 | -1} */ sign) => added.reduce((sum, share) => sum + Math.max(0, sign * share), 0);
            setText(
                text,
                `Orange ${kind} support ${name}: together they add ${formatSigned(total(1))} to its logit. ` +
                    `Blue ${kind} count against it: ${formatSigned(-total(-1))}. The biases add ${formatSigned(evidence.fromBiases)}. ` +
                    `Everything together, ${formatSigned(evidence.logit)}, is the logit of ${name}. Softmax turns the logits into probabilities.`,
            );
            if (list) {
                list.show(added, palette());
            } else {
                picture.show(added, palette(), `What each pixel adds to the logit of ${name}`);
                point(null);
            }
        },
    };
}

/**
 * @param {Payload} payload
 * @param {number} j
 * @returns {string} "Pixel in row 3, column 12", or the feature's name
 */
export function featureName(payload, j) {
    if (payload.featureNames) {
        return payload.featureNames[j];
    }
    if (payload.imageShape) {
        const columns = payload.imageShape[1];
        return `Pixel in row ${Math.floor(j / columns)}, column ${j % columns}`;
    }
    return `Feature ${j}`;
}
