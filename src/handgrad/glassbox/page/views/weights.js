/** The H rows of W1 as pictures, which change while the network learns. */
import { element } from "../drawing/elements.js";
import { createPicture } from "../drawing/picture.js";

/**
 * @param {object} payload
 * @returns {{node: HTMLElement, show: (network: object, palette: object) => void}}
 */
export function createWeights(payload) {
    const items = Array.from({ length: payload.H }, (_, h) => {
        const picture = createPicture(payload.imageShape);
        return { picture, node: element("figure", {}, picture.node, element("figcaption", { text: `Unit ${h}` })) };
    });
    const node = element("div.weights", {}, ...items.map((item) => item.node));
    return {
        node,
        show({ W1 }, palette) {
            items.forEach(({ picture }, h) => picture.show(W1.data.subarray(h * W1.cols, (h + 1) * W1.cols), palette, `Row ${h} of W1`));
        },
    };
}
