/**
 * Samples as small pictures to choose from, a page of them at a time.
 *
 * @import { Picture } from "../drawing/picture.js"
 * @import { Page } from "../main.js"
 * @import { Evaluation } from "../state/derived.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatNumber, plural } from "../drawing/numbers.js";
import { createPicture } from "../drawing/picture.js";
import { embedded, nameOf } from "../state/samples.js";

const PAGE = 48;
const NONE = { predictions: new Int32Array(), active: new Int32Array(), results: null };

/**
 * @param {Page} page
 * @param {(index: number) => void} onChoose
 * @returns {{node: HTMLElement, show: (indices: number[], evaluation: Evaluation, chosen: number | null) => void}}
 */
export function createThumbnails({ payload, palette }, onChoose) {
    const grid = element("ul.thumbnails");
    const more = element("button.quiet", { text: "Show more", onclick: () => grow() });
    const count = element("p.note");
    const node = element("div", {}, count, grid, more);
    /** @type {{indices: number[], evaluation: Evaluation, chosen: number | null}} */
    let content = { indices: [], evaluation: NONE, chosen: null };
    let limit = PAGE;
    /** @type {{picture: Picture, says: HTMLElement, button: HTMLButtonElement, node: HTMLElement}[]} */
    const items = [];

    function grow() {
        const first = limit;
        limit += PAGE;
        draw();
        items[first]?.button.focus();
    }

    /** @param {number} n */
    function itemAt(n) {
        if (items[n] === undefined) {
            const picture = createPicture(payload.imageShape, { classes: "thumbnail-picture" });
            const says = element("span.thumbnail-says");
            const button = element(
                "button.thumbnail",
                { onclick: () => onChoose(content.indices[n]) },
                picture.node,
                says,
            );
            items[n] = { picture, says, button, node: element("li", {}, button) };
        }
        return items[n];
    }

    function draw() {
        const { indices, evaluation, chosen } = content;
        const shown = indices.slice(0, limit);
        const nodes = shown.map((index, n) => {
            const item = itemAt(n);
            const prediction = payload.classNames[evaluation.predictions[index]];
            const label = payload.samples.label(index);
            const wrong = label !== null && label !== evaluation.predictions[index];
            const truth = label === null ? "" : `, is ${payload.classNames[label]}`;
            const name = nameOf(embedded(index), payload);
            item.picture.show(payload.samples.row(index), palette(), `${name}${truth}`);
            setText(item.says, wrong ? `✗ ${prediction}` : prediction);
            item.button.classList.toggle("wrong", wrong);
            item.button.setAttribute("aria-label", `${name}${truth}; the network says ${prediction}`);
            const losses = evaluation.results?.losses;
            item.button.title = losses ? `loss ${formatNumber(losses[index])}` : "";
            item.button.setAttribute("aria-pressed", String(index === chosen));
            return item.node;
        });
        grid.replaceChildren(...nodes);
        more.hidden = indices.length <= limit;
        setText(
            count,
            indices.length > limit
                ? `${limit} of ${plural(indices.length, "sample")}`
                : plural(indices.length, "sample"),
        );
    }

    return {
        node,
        show(indices, evaluation, chosen) {
            if (
                indices.length !== content.indices.length ||
                indices.some((index, n) => index !== content.indices[n])
            ) {
                limit = PAGE;
            }
            content = { indices, evaluation, chosen };
            draw();
        },
    };
}
