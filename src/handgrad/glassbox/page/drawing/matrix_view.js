/**
 * A matrix to look at, to point at, and to move through with the keys.
 *
 * It is a grid in which only the current cell exists for screen readers: otherwise a 10×784
 * matrix would need 7,840 elements. The grid is one stop of the Tab key; arrow keys walk inside.
 *
 * @import { Palette } from "./colours.js"
 * @import { Room } from "./heatmap.js"
 * @import { Matrix } from "../math/matrix.js"
 *
 * @typedef {{row: number, col: number}} Place
 * @typedef {object} Marks what to light up: a row, a column or one entry
 * @property {number} [row]
 * @property {number} [col]
 * @property {[number, number]} [cell]
 * @property {boolean} [chosen]
 * @typedef {object} MatrixContent
 * @property {string} name what it is called: "Z1", "X transposed"
 * @property {string} formula the same for the equation: "Z1", "Xᵀ"
 * @property {Matrix} matrix
 * @property {boolean} [transposed] show it with rows and columns exchanged
 * @property {Palette} palette
 * @property {Room} room
 * @property {string[]} [rowNames] shown on the left where there is room
 * @property {string} [note] a few words beside the shape
 * @typedef {object} MatrixView
 * @property {HTMLElement} node
 * @property {(content: MatrixContent) => void} show
 * @property {(entries: [number, number][]) => void} outline outlines entries while the content is shown
 * @property {(marks: Marks | null) => void} mark lights up a row, a column or one entry
 */
import { matrix } from "../math/matrix.js";
import { createPalette } from "./colours.js";
import { element, setAttribute, setText, uniqueId } from "./elements.js";
import { equation } from "./equation.js";
import { entrySize, paintNumbers, paintTransposed } from "./heatmap.js";
import { formatNumber } from "./numbers.js";

const THINNEST = 8; // CSS pixels: a 784×1 column in true proportion would be a hairline
const ROOM_FOR_TEXT = 13;
const EMPTY = { name: "", formula: "", matrix: matrix(0, 0), palette: createPalette(false), room: { width: 0, height: 0 } };
/** @type {Record<string, [number, number]>} */
const MOVES = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    PageUp: [-10, 0],
    PageDown: [10, 0],
};

/**
 * @param {object} options
 * @param {(place: Place | null) => void} options.onHover
 * @param {(place: Place | null) => void} options.onSelect null: deselect
 * @returns {MatrixView}
 */
export function createMatrixView({ onHover, onSelect }) {
    const cellId = uniqueId("entry");
    const canvas = element("canvas", { "aria-hidden": "true" });
    const lines = element("div.matrix-lines", { "aria-hidden": "true" });
    const band = (/** @type {string} */ kind) => element(`div.band${kind}`, { hidden: true });
    const bands = { row: band(""), col: band(""), cell: band(".cell") };
    const spots = element("div.spots", { "aria-hidden": "true" });
    const cell = element("div", { role: "gridcell", id: cellId });
    const row = element("div.unseen", { role: "row" }, cell);
    const grid = element(
        "div.matrix-grid",
        { role: "grid", tabindex: "0", "aria-activedescendant": cellId },
        row,
        canvas,
        lines,
        spots,
        ...Object.values(bands),
    );
    const before = element("div.matrix-rows", { "aria-hidden": "true" });
    const after = element("div.matrix-values", { "aria-hidden": "true" });
    const label = element("div.matrix-name");
    const shape = element("figcaption.matrix-shape");
    const node = element(
        "figure.matrix",
        {},
        label,
        element("div.matrix-body", {}, before, grid, after),
        shape,
    );

    /** @type {MatrixContent & {rows: number, cols: number, value: (i: number, j: number) => number}} */
    let content = { ...EMPTY, rows: 0, cols: 0, value: () => NaN };
    let place = { row: 0, col: 0 };
    let pointed = false; // whether the focus came from a pointer, which selects by itself

    /** @param {MouseEvent} event */
    function placeOf(event) {
        const box = grid.getBoundingClientRect();
        /** @type {(position: number, size: number, count: number) => number} */
        const part = (position, size, count) =>
            Math.min(count - 1, Math.max(0, Math.floor((position / size) * count)));
        return {
            row: part(event.clientY - box.top, box.height, content.rows),
            col: part(event.clientX - box.left, box.width, content.cols),
        };
    }

    grid.addEventListener("pointermove", (event) => {
        if (event.pointerType === "mouse") {
            onHover(placeOf(event));
        }
    });
    grid.addEventListener("pointerleave", () => onHover(null));
    grid.addEventListener("pointerdown", () => {
        pointed = true;
    });
    grid.addEventListener("click", (event) => {
        pointed = false;
        moveTo(placeOf(event));
    });
    grid.addEventListener("focus", () => {
        if (!pointed) {
            moveTo(place);
        }
    });
    grid.addEventListener("keydown", (event) => {
        const target = targetOf(event);
        if (target !== undefined) {
            event.preventDefault();
            event.stopPropagation();
            if (target === null) {
                onSelect(null);
            } else {
                moveTo(target);
            }
        }
    });

    /**
     * @param {KeyboardEvent} event
     * @returns {Place | null | undefined} null: deselect; undefined: the key means nothing here
     */
    function targetOf(event) {
        if (event.key === "Escape") {
            return null;
        }
        const last = { row: content.rows - 1, col: content.cols - 1 };
        if (event.key === "Home") {
            return event.ctrlKey ? { row: 0, col: 0 } : { row: place.row, col: 0 };
        }
        if (event.key === "End") {
            return event.ctrlKey ? last : { row: place.row, col: last.col };
        }
        const move = MOVES[event.key];
        if (move === undefined || event.altKey || event.metaKey) {
            return undefined;
        }
        const [down, right] = move;
        const stride = event.ctrlKey || event.shiftKey ? 10 : 1;
        return {
            row: Math.min(last.row, Math.max(0, place.row + down * stride)),
            col: Math.min(last.col, Math.max(0, place.col + right * stride)),
        };
    }

    /** @param {Place} target */
    function moveTo(target) {
        place = target;
        describe();
        onSelect(target);
    }

    function describe() {
        setAttribute(row, "aria-rowindex", place.row + 1);
        setAttribute(cell, "aria-colindex", place.col + 1);
        const value = content.value(place.row, place.col);
        setText(cell, `${content.name}[${place.row}, ${place.col}] is ${formatNumber(value)}`);
    }

    return {
        node,

        show(next) {
            const { data } = next.matrix;
            const [rows, cols] = next.transposed
                ? [next.matrix.cols, next.matrix.rows]
                : [next.matrix.rows, next.matrix.cols];
            const value = (/** @type {number} */ i, /** @type {number} */ j) =>
                next.transposed ? data[j * rows + i] : data[i * cols + j];
            if (content.formula !== next.formula) {
                label.replaceChildren(equation(next.formula));
            }
            content = { ...next, rows, cols, value };
            place = { row: Math.min(place.row, rows - 1), col: Math.min(place.col, cols - 1) };
            (next.transposed ? paintTransposed : paintNumbers)(canvas, data, rows, cols, next.palette);

            const size = entrySize(rows, cols, next.room);
            const width = Math.max(THINNEST, size * cols);
            const height = Math.max(THINNEST, size * rows);
            grid.style.width = `${width}px`;
            grid.style.height = `${height}px`;
            canvas.classList.toggle("enlarged", size >= 1);
            lines.style.backgroundSize = `${width / cols}px ${height / rows}px`;
            lines.hidden = size < 4;
            setAttribute(grid, "aria-label", `${next.name}, ${rows} by ${cols}`);
            setAttribute(grid, "aria-rowcount", rows);
            setAttribute(grid, "aria-colcount", cols);
            describe();
            setText(shape, next.note ? `${rows}×${cols} · ${next.note}` : `${rows}×${cols}`);
            showTexts(before, size >= ROOM_FOR_TEXT ? (next.rowNames ?? []) : [], size);
            const numbers =
                cols === 1 && size >= ROOM_FOR_TEXT
                    ? Array.from({ length: rows }, (_, i) => formatNumber(value(i, 0)))
                    : [];
            showTexts(after, numbers, size);
        },

        outline(entries) {
            if (spots.childElementCount !== entries.length) {
                spots.replaceChildren(...entries.map(() => band(".spot")));
            }
            entries.forEach(([i, j], n) =>
                setBand(/** @type {HTMLElement} */ (spots.children[n]), [i, 1, j, 1], content.rows, content.cols),
            );
        },

        mark(marks) {
            const { rows, cols } = content;
            setBand(bands.row, marks?.row !== undefined ? [marks.row, 1, 0, cols] : null, rows, cols);
            setBand(bands.col, marks?.col !== undefined ? [0, rows, marks.col, 1] : null, rows, cols);
            setBand(bands.cell, marks?.cell ? [marks.cell[0], 1, marks.cell[1], 1] : null, rows, cols);
            node.classList.toggle("chosen", Boolean(marks?.chosen));
            if (marks?.chosen && marks.cell) {
                place = { row: marks.cell[0], col: marks.cell[1] };
                describe();
            }
        },
    };
}

/**
 * @param {HTMLElement} node
 * @param {string[]} texts
 * @param {number} size
 */
function showTexts(node, texts, size) {
    if (node.childElementCount !== texts.length) {
        node.replaceChildren(...texts.map(() => element("span")));
    }
    texts.forEach((text, n) => {
        const line = /** @type {HTMLElement} */ (node.children[n]);
        setText(line, text);
        line.style.height = `${size}px`;
    });
}

/**
 * @param {HTMLElement} band
 * @param {[number, number, number, number] | null} area top, height, left, width
 * @param {number} rows
 * @param {number} cols
 */
function setBand(band, area, rows, cols) {
    band.hidden = area === null || area[0] >= rows || area[2] >= cols;
    if (area !== null) {
        const [top, height, left, width] = area;
        band.style.top = `${(top / rows) * 100}%`;
        band.style.height = `${(height / rows) * 100}%`;
        band.style.left = `${(left / cols) * 100}%`;
        band.style.width = `${(width / cols) * 100}%`;
    }
}
