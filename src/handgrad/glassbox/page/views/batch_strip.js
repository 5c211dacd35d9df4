/**
 * The m samples of the batch, side by side: one column of every matrix belongs to each.
 *
 * @import { Page, Part } from "../main.js"
 */
import { element } from "../drawing/elements.js";
import { createPicture } from "../drawing/picture.js";
import { valuesOf, nameOf } from "../state/samples.js";
import { matrixOf, STEPS } from "../math/trace.js";

const READS = ["sample", "meant", "m", "network", "theme", "contrast", "mistakes", "view"];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createBatchStrip({ store, payload, derived, palette }) {
    const list = element("ol.batch-strip", { "aria-label": "The samples of the batch" });
    const node = element("div", { hidden: true }, list);

    /**
     * Looks at the sample's column in what the step makes.
     *
     * @param {number} i
     */
    function look(i) {
        const state = store.get();
        const result = STEPS[state.step].results[0];
        const found = matrixOf(derived.trace(state), result);
        const byColumns = found && found.cols === state.m && result !== "X";
        store.set({ entry: byColumns ? { name: result, row: 0, col: i } : { name: "X", row: i, col: 0 } });
    }

    return {
        node,
        render(state, changed) {
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            node.hidden = state.m === 1;
            if (node.hidden) {
                return;
            }
            const { samples, y, assumed } = derived.batch(state);
            const { predictions } = derived.trace(state);
            list.replaceChildren(
                ...samples.map((sample, i) => {
                    const picture = createPicture(payload.imageShape, { classes: "thumbnail-picture" });
                    const wrong = !assumed[i] && predictions[i] !== y[i];
                    const says = payload.classNames[predictions[i]];
                    picture.show(valuesOf(sample, payload), palette(), nameOf(sample, payload));
                    const button = element(
                        `button.thumbnail${wrong ? ".wrong" : ""}`,
                        {
                            "aria-label": `Column ${i}: ${nameOf(sample, payload)}, the network says ${says}`,
                            onclick: () => look(i),
                        },
                        picture.node,
                        element("span.thumbnail-says", { text: wrong ? `✗ ${says}` : says }),
                    );
                    return element("li", {}, button);
                }),
            );
        },
    };
}
