/**
 * The bar below the tabs: the chosen sample, what the network says, and the size of the batch.
 *
 * @import { Page, Part } from "../main.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatPercent } from "../drawing/numbers.js";
import { createPicture } from "../drawing/picture.js";
import { largestBatch, labelOf, nameOf, valuesOf } from "../state/samples.js";
import { predictionOf } from "../state/derived.js";

const READS = ["sample", "meant", "m", "network", "theme", "contrast", "view"];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createSampleBar({ store, payload, palette, actions }) {
    const picture = createPicture(payload.imageShape, { classes: "sample-bar-picture" });
    const name = element("strong.sample-bar-name");
    const verdict = element("span.sample-bar-verdict");
    const meant = element(
        "select",
        {
            onchange: (event) =>
                store.set({ meant: event.target.value === "" ? null : Number(event.target.value) }),
        },
        element("option", { value: "", text: "what the network says" }),
        ...payload.classNames.map((text, k) => element("option", { value: k, text })),
    );
    const meantLabel = element("label.field", {}, element("span", { text: "It is meant to be" }), meant);
    const count = element("input", {
        type: "range",
        min: "1",
        "aria-label": "Samples in the batch, m",
        oninput: (event) => store.set({ m: Number(event.target.value), added: null, entry: null }),
    });
    const shown = element("output.sample-bar-count");
    const previous = element("button.icon", {
        text: "‹",
        "aria-label": "Previous sample",
        onclick: () => actions.neighbour(-1),
    });
    const next = element("button.icon", {
        text: "›",
        "aria-label": "Next sample",
        onclick: () => actions.neighbour(1),
    });
    const batch = element("label.field.sample-bar-batch", {}, element("span", { text: "Batch m" }), count, shown);
    previous.hidden = payload.samples.count === 0;
    next.hidden = previous.hidden;
    const node = element(
        "div.sample-bar-inner",
        {},
        previous,
        picture.node,
        next,
        element("div.sample-bar-words", {}, name, verdict),
        meantLabel,
        batch,
    );

    return {
        node,
        render(state, changed) {
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            const values = valuesOf(state.sample, payload);
            const title = nameOf(state.sample, payload);
            picture.show(values, palette(), title);
            setText(name, title);
            const { prediction, probability } = predictionOf(state.network, values);
            const label = labelOf(state.sample, payload);
            setText(verdict, verdictText(payload.classNames, prediction, probability, label));
            node.classList.toggle("wrong", label !== null && label !== prediction);
            meantLabel.hidden = label !== null;
            meant.value = state.meant === null ? "" : String(state.meant);
            count.max = String(largestBatch(state.sample, payload));
            count.value = String(state.m);
            setText(shown, String(state.m));
        },
    };
}

/**
 * @param {string[]} names
 * @param {number} prediction
 * @param {number} probability
 * @param {number | null} label
 */
function verdictText(names, prediction, probability, label) {
    const says = `The network says ${names[prediction]} (${formatPercent(probability)})`;
    if (label === null) {
        return `${says}.`;
    }
    return label === prediction ? `${says}, which is right.` : `${says}, but it is ${names[label]}.`;
}
