/**
 * The matrices of one step in the order of its equation, with marks on what an entry was computed from.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Palette } from "../drawing/colours.js"
 * @import { MatrixView, Place } from "../drawing/matrix_view.js"
 * @import { Page } from "../main.js"
 * @import { Entry, Trace } from "../math/trace.js"
 * @import { State } from "../state/state.js"
 * @import { EquationPart } from "./equation_parts.js"
 *
 * @typedef {{part: EquationPart, view: MatrixView, line: string}} ShownMatrix `line` is the result of its line
 * @typedef {{token: "y" | "ŷ", list: HTMLElement}} ShownLabels
 */
import { element } from "../drawing/elements.js";
import { entrySize } from "../drawing/heatmap.js";
import { createMatrixView } from "../drawing/matrix_view.js";
import { contentOf, LINES, marksFor, partOf, placesOf } from "./equation_parts.js";

const OPERATOR_WIDTH = 40;
const GAPS = 34; // beside each matrix
const WITH_LABELS = [5, 6]; // C1 and B1 read A2 at (y_i, i)
const WIDE = 64; // a matrix with more columns is a strip

/**
 * @param {Page} page
 */
export function createStage({ store, payload }) {
    const node = element("div.stage");
    /** @type {ShownMatrix[]} */
    let matrices = [];
    /** @type {ShownLabels[]} */
    let labelLists = [];
    let built = "";

    /**
     * @param {number} step
     * @param {string | null} skip
     */
    function build(step, skip) {
        matrices = [];
        labelLists = [];
        const lines = LINES[step].filter((line) => line[0] !== skip);
        node.replaceChildren(
            ...lines.map((line) =>
                element(
                    "div.equation-line",
                    {},
                    ...termsOf(line).map((tokens) =>
                        element("div.equation-term", {}, ...tokens.map((token) => buildToken(token, line))),
                    ),
                ),
            ),
        );
    }

    /**
     * @param {string} token
     * @param {string[]} line
     */
    function buildToken(token, line) {
        if (token === "y" || token === "ŷ") {
            const list = element("span.labels-list");
            labelLists.push({ token, list });
            return element("div.labels", {}, element("span.labels-name", { text: token }), list);
        }
        const part = partOf(token);
        if (part === null) {
            return element("span.sign", { text: token, "aria-hidden": "true" });
        }
        const toEntry = (/** @type {Place} */ place) => {
            const [row, col] = part.transposed
                ? [place.col, place.row]
                : [place.row, part.repeated ? 0 : place.col];
            return { name: part.name, row, col };
        };
        const view = createMatrixView({
            onHover: (place) => store.set({ hover: place && toEntry(place) }),
            onSelect: (place) => store.set({ entry: place && toEntry(place), hover: null }),
        });
        matrices.push({ part, view, line: line[0] });
        return view.node;
    }

    /**
     * @param {ShownLabels} labels
     * @param {Trace} trace
     * @param {boolean[]} assumed
     */
    function showLabels({ token, list }, { y, predictions }, assumed) {
        const values = token === "y" ? y : predictions;
        list.replaceChildren(
            ...Array.from(values, (label, i) => {
                const right = y[i] === label ? ".right" : ".wrong";
                const kind = token === "y" || assumed[i] ? "" : right;
                return element(`span.label-chip${kind}`, { text: payload.classNames[label] });
            }),
        );
    }

    /**
     * A strip uses the width that its line leaves. If that is little, it gets a line of its own.
     *
     * @param {ShownMatrix} strip
     * @param {number} width
     * @param {Trace} trace
     */
    function widthOfStrip(strip, width, trace) {
        const others = matrices
            .filter((other) => other !== strip && other.line === strip.line)
            .map((other) => sizeOf(other.part, trace))
            .filter(([, cols]) => cols <= WIDE)
            .map(([rows, cols]) => {
                const drawn = Math.max(10, entrySize(rows, cols, { width, height: 320 }) * cols);
                const numbers = cols === 1 && rows <= 64 ? 60 : 0;
                return drawn + numbers + GAPS + OPERATOR_WIDTH;
            });
        const left = width - others.reduce((sum, one) => sum + one, 0) - 30;
        return left > 0.62 * width ? left : width - OPERATOR_WIDTH - 20;
    }

    return {
        node,
        /**
         * @param {Trace} trace
         * @param {State} state
         * @param {Palette} palette
         * @param {{skip: string | null, assumed: boolean[]}} options `skip` names a result whose
         *   line is left out; `assumed` says which labels are assumed
         */
        show(trace, state, palette, { skip, assumed }) {
            const key = `${state.step} ${skip}`;
            if (built !== key) {
                build(state.step, skip);
                built = key;
            }
            const width = Math.max(200, node.clientWidth);
            labelLists.forEach((labels) => showLabels(labels, trace, assumed));
            for (const shown of matrices) {
                const { part, view } = shown;
                const [rows, cols] = sizeOf(part, trace);
                view.show({
                    name: part.spoken,
                    formula: part.formula,
                    matrix: contentOf(trace, part),
                    transposed: part.transposed,
                    palette,
                    room: {
                        width: cols <= WIDE ? width - 30 : widthOfStrip(shown, width, trace),
                        height: rows > WIDE ? 320 : 600,
                    },
                    rowNames: rowNames(part, rows, payload),
                    note: noteOf(part, trace, rows, cols),
                });
                view.node.classList.toggle("strip", cols > WIDE);
                const readsLabels = part.name === "A2" && WITH_LABELS.includes(state.step);
                view.outline(readsLabels ? placesOf(trace.y) : []);
            }
        },
        /**
         * @param {Trace} trace
         * @param {Entry | null} entry
         */
        mark(trace, entry) {
            for (const { part, view, line } of matrices) {
                view.mark(marksFor(part, entry, trace.y, partOf(line)?.name));
            }
        },
    };
}

/**
 * Rows and columns of a part as it is shown.
 *
 * @param {EquationPart} part
 * @param {Trace} trace
 * @returns {[number, number]}
 */
function sizeOf(part, trace) {
    const { rows, cols } = contentOf(trace, part);
    return part.transposed ? [cols, rows] : [rows, cols];
}

/**
 * An operator stays with the matrix that follows it, as in a long equation with line breaks.
 *
 * @param {string[]} line
 */
function termsOf(line) {
    /** @type {string[][]} */
    const terms = [[]];
    line.forEach((token, n) => {
        terms[terms.length - 1].push(token);
        const isPart = partOf(token) !== null || token === "y" || token === "ŷ";
        if (isPart && n < line.length - 1) {
            const closes = line[n + 1].startsWith(")") && n + 2 === line.length;
            if (!closes) {
                terms.push([]);
            }
        }
    });
    return terms;
}

/**
 * @param {EquationPart} part
 * @param {number} rows
 * @param {Payload} payload
 * @returns {string[]}
 */
function rowNames({ name, transposed }, rows, { classNames }) {
    const ofClasses =
        ["Z2", "A2", "dZ2", "b2", "db2", "Y", "W2", "dW2", "b2 after", "W2 after"].includes(name) &&
        !transposed;
    if (ofClasses) {
        return classNames;
    }
    return rows <= 26 && !transposed && name !== "X" && name !== "C" && name !== "losses"
        ? Array.from({ length: rows }, (_, h) => String(h))
        : [];
}

/**
 * @param {EquationPart} part
 * @param {Trace} trace
 * @param {number} rows
 * @param {number} cols
 */
function noteOf({ name, repeated }, trace, rows, cols) {
    if (repeated && trace.X.rows > 1) {
        return `one column, ${trace.X.rows} times`;
    }
    if (name.endsWith(" after")) {
        return "after the step";
    }
    return Math.max(rows, cols) > WIDE && Math.min(rows, cols) === 1 ? "widened" : "";
}
