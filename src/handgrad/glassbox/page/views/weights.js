/**
 * The H rows of W1 as pictures, which change while the network learns; or only what has changed
 * since the start, without the random initial values.
 *
 * @import { Palette } from "../drawing/colours.js"
 * @import { Page } from "../main.js"
 * @import { State } from "../state/state.js"
 */
import { element, setText } from "../drawing/elements.js";
import { createPicture } from "../drawing/picture.js";

/**
 * @param {Page} page
 * @returns {{node: HTMLElement, show: (state: State, palette: Palette) => void}}
 */
export function createWeights({ store, payload }) {
    const items = Array.from({ length: payload.H }, (_, h) => {
        const picture = createPicture(payload.imageShape);
        return {
            picture,
            node: element("figure", {}, picture.node, element("figcaption", { text: `Unit ${h}` })),
        };
    });
    const choices = [false, true].map((changesOnly) =>
        element("button.chip", {
            text: changesOnly ? "What has changed" : "The weights",
            onclick: () => store.set({ changesOnly }),
        }),
    );
    const note = element("p.note");
    const node = element(
        "div.weights-part",
        {},
        element("div.switch", { role: "group", "aria-label": "What the pictures show" }, ...choices),
        note,
        element("div.weights", {}, ...items.map((item) => item.node)),
    );
    return {
        node,
        show({ network, base, changesOnly }, palette) {
            const { rows, cols, data } = network.W1;
            choices.forEach((choice, n) =>
                choice.setAttribute("aria-pressed", String((n === 1) === changesOnly)),
            );
            const values = changesOnly ? data.map((weight, n) => weight - base.W1.data[n]) : data;
            setText(note, noteFor(changesOnly, network === base));
            for (let h = 0; h < rows; h++) {
                items[h].picture.show(values.subarray(h * cols, (h + 1) * cols), palette, `Row ${h} of W1`);
            }
        },
    };
}

/**
 * @param {boolean} changesOnly
 * @param {boolean} nothingChanged
 */
function noteFor(changesOnly, nothingChanged) {
    if (!changesOnly) {
        return "Each picture shows what one hidden unit looks for. Ink on orange pixels turns the unit on, ink on blue pixels turns it off.";
    }
    return nothingChanged
        ? "Nothing has changed yet: take a step."
        : "What the steps since the start have added. Each picture is a mixture of samples, because each step adds a multiple of them (B6).";
}
