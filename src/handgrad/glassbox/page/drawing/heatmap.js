/**
 * Numbers as colours on a canvas: one pixel per entry, which CSS enlarges.
 *
 * @import { Palette } from "./colours.js"
 *
 * @typedef {{width: number, height: number}} Room in CSS pixels
 */
import { colourStep } from "./colours.js";
import { contextOf } from "./elements.js";

/**
 * @param {HTMLCanvasElement} canvas gets rows × cols pixels
 * @param {ArrayLike<number>} data rows × cols numbers, row by row
 * @param {number} rows
 * @param {number} cols
 * @param {Palette} palette
 */
export function paintNumbers(canvas, data, rows, cols, palette) {
    if (canvas.width !== cols || canvas.height !== rows) {
        canvas.width = cols;
        canvas.height = rows;
    }
    const context = contextOf(canvas);
    const image = context.createImageData(cols, rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let n = 0; n < pixels.length; n++) {
        pixels[n] = palette.words[colourStep(data[n], palette.contrast)];
    }
    context.putImageData(image, 0, 0);
}

/**
 * The same with rows and columns exchanged: data holds cols × rows numbers.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} data
 * @param {number} rows
 * @param {number} cols
 * @param {Palette} palette
 */
export function paintTransposed(canvas, data, rows, cols, palette) {
    const turned = new Float64Array(rows * cols);
    for (let i = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
            turned[i * cols + j] = data[j * rows + i];
        }
    }
    paintNumbers(canvas, turned, rows, cols, palette);
}

/**
 * How large an entry is drawn: small matrices are enlarged, wide ones become strips, tall ones
 * columns; both sides by the same factor, so that the proportions are true.
 *
 * @param {number} rows
 * @param {number} cols
 * @param {Room} room
 * @returns {number} CSS pixels per entry
 */
export function entrySize(rows, cols, room) {
    const largest = Math.max(rows, cols);
    if (largest <= 64) {
        const wished = Math.min(26, Math.max(5, 260 / largest));
        return Math.max(2, Math.min(wished, room.width / cols));
    }
    return Math.min(26, room.width / cols, room.height / rows);
}
