/**
 * One sample, or one row of W1, as a picture: pixels if there is an image shape, otherwise bars.
 *
 * @import { Palette } from "./colours.js"
 *
 * @typedef {object} Picture
 * @property {HTMLElement} node
 * @property {(values: ArrayLike<number>, palette: Palette, label: string) => void} show
 * @property {(feature: number | null) => void} mark
 */
import { colourOf } from "./colours.js";
import { contextOf, element, setAttribute } from "./elements.js";
import { paintNumbers } from "./heatmap.js";

const BARS_SIZE = 112; // pixels each way of a picture made of bars

/**
 * @param {[number, number] | null} imageShape
 * @param {{onPoint?: (feature: number | null) => void, classes?: string}} [options]
 * @returns {Picture}
 */
export function createPicture(imageShape, { onPoint, classes = "" } = {}) {
    const canvas = element("canvas", { role: "img" });
    const mark = element("div.band.cell", { hidden: true });
    const node = element("div.picture", {}, canvas, mark);
    node.classList.toggle("bars", imageShape === null);
    node.classList.add(...classes.split(" ").filter(Boolean));
    if (imageShape !== null) {
        node.style.aspectRatio = `${imageShape[1]} / ${imageShape[0]}`;
    }
    let count = 0;

    if (onPoint) {
        node.addEventListener("pointermove", (event) => onPoint(featureAt(event)));
        node.addEventListener("pointerleave", () => onPoint(null));
    }

    /** @param {MouseEvent} event */
    function featureAt(event) {
        const box = node.getBoundingClientRect();
        const across = Math.min(0.9999, Math.max(0, (event.clientX - box.left) / box.width));
        const down = Math.min(0.9999, Math.max(0, (event.clientY - box.top) / box.height));
        if (imageShape === null) {
            return Math.floor(across * count);
        }
        const [rows, columns] = imageShape;
        return Math.floor(down * rows) * columns + Math.floor(across * columns);
    }

    return {
        node,
        show(values, palette, label) {
            count = values.length;
            if (imageShape === null) {
                paintBars(canvas, values, palette);
            } else {
                paintNumbers(canvas, values, imageShape[0], imageShape[1], palette);
            }
            setAttribute(canvas, "aria-label", label);
        },
        mark(feature) {
            mark.hidden = feature === null || count === 0;
            if (feature !== null) {
                const [rows, columns] = imageShape ?? [1, count];
                mark.style.top = `${(Math.floor(feature / columns) / rows) * 100}%`;
                mark.style.left = `${((feature % columns) / columns) * 100}%`;
                mark.style.width = `${100 / columns}%`;
                mark.style.height = `${100 / rows}%`;
            }
        },
    };
}

/**
 * Bars up and down from a line in the middle; the largest fills its half.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {Palette} palette
 */
function paintBars(canvas, values, palette) {
    if (canvas.width !== BARS_SIZE) {
        canvas.width = BARS_SIZE;
        canvas.height = BARS_SIZE;
    }
    const context = contextOf(canvas);
    context.fillStyle = palette.texts[13];
    context.fillRect(0, 0, BARS_SIZE, BARS_SIZE);
    let largest = 0;
    for (let j = 0; j < values.length; j++) {
        largest = Math.max(largest, Math.abs(values[j]));
    }
    const middle = BARS_SIZE / 2;
    const width = BARS_SIZE / values.length;
    const gap = width > 4 ? 1 : 0;
    for (let j = 0; j < values.length && largest > 0; j++) {
        const height = (values[j] / largest) * (middle - 3);
        context.fillStyle = colourOf(palette, values[j]);
        context.fillRect(j * width + gap / 2, middle, Math.max(1, width - gap), -height);
    }
    context.fillStyle = palette.dark ? "#8b93a5" : "#5b6472";
    context.fillRect(0, middle - 0.5, BARS_SIZE, 1);
}
