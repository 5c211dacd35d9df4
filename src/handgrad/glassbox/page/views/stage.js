/** The matrices of one step in the order of its equation, lit up where an entry came from. */
import { element } from "../drawing/elements.js";
import { entrySize } from "../drawing/heatmap.js";
import { createMatrixView } from "../drawing/matrix_view.js";
import { contentOf, LINES, marksFor, partOf } from "./equation_parts.js";

const OPERATOR_WIDTH = 40;
const GAPS = 34; // beside each matrix
const WITH_LABELS = [5, 6]; // C1 and B1 read A2 at (y_i, i)
const WIDE = 64; // columns from which on a matrix is a strip

/**
 * @param {object} page
 * @returns {{node: HTMLElement, show: (trace: object, state: object, palette: object, skip: string | null) => void,
 *            mark: (trace: object, entry: object | null) => void}}
 */
export function createStage({ store, payload }) {
    const node = element("div.stage");
    let parts = []; // {part, view, line}
    let built = null;

    function build(step, skip) {
        parts = [];
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

    function buildToken(token, line) {
        if (token === "y" || token === "ŷ") {
            const list = element("span.labels-list");
            parts.push({ labels: token, list });
            return element("div.labels", {}, element("span.labels-name", { text: token }), list);
        }
        const part = partOf(token);
        if (part === null) {
            return element("span.sign", { text: token, "aria-hidden": "true" });
        }
        const toEntry = (place) => {
            const [row, col] = part.transposed
                ? [place.col, place.row]
                : [place.row, part.repeated ? 0 : place.col];
            return { name: part.name, row, col };
        };
        const view = createMatrixView({
            onHover: (place) => store.set({ hover: place && toEntry(place) }),
            onSelect: (place) => store.set({ entry: place && toEntry(place), hover: null }),
        });
        parts.push({ part, view, result: line[0] });
        return view.node;
    }

    function showLabels({ labels, list }, trace, assumed) {
        const values = labels === "y" ? trace.y : trace.predictions;
        const texts = Array.from(values, (label) => payload.classNames[label]);
        list.replaceChildren(
            ...texts.map((text, i) => {
                const right =
                    labels === "ŷ" && trace.y !== null && !assumed[i]
                        ? trace.y[i] === values[i]
                            ? ".right"
                            : ".wrong"
                        : "";
                return element(`span.label-chip${right}`, { text });
            }),
        );
    }

    return {
        node,
        show(trace, state, palette, { skip = null, assumed }) {
            const key = `${state.step} ${skip}`;
            if (built !== key) {
                build(state.step, skip);
                built = key;
            }
            const width = Math.max(200, node.clientWidth);
            const contents = parts.map(({ part }) => part && contentOf(trace, part));
            parts.forEach((item, n) => {
                if (item.labels) {
                    showLabels(item, trace, assumed);
                    return;
                }
                const { part, view } = item;
                const [rows, cols] = part.transposed
                    ? [contents[n].cols, contents[n].rows]
                    : [contents[n].rows, contents[n].cols];
                view.show({
                    name: part.spoken,
                    formula: part.formula,
                    matrix: contents[n],
                    transposed: part.transposed,
                    palette,
                    room: { width: roomFor(n, cols, width, contents), height: rows > WIDE ? 320 : 600 },
                    rowNames: rowNames(part, rows, payload),
                    note: noteOf(part, trace, rows, cols),
                });
                view.node.classList.toggle("strip", cols > WIDE);
                view.outline(
                    part.name === "A2" && WITH_LABELS.includes(state.step)
                        ? Array.from(trace.y, (label, i) => [label, i])
                        : [],
                );
            });
        },
        mark(trace, entry) {
            for (const { part, view, result } of parts) {
                if (part) {
                    view.mark(marksFor(part, entry, trace.y, partOf(result).name));
                }
            }
        },
    };

    /** A strip takes what its line leaves; where that is little, it takes a line of its own. */
    function roomFor(n, cols, width, contents) {
        if (cols <= WIDE) {
            return width - 30;
        }
        const line = parts[n].result;
        const others = parts.reduce((sum, item, other) => {
            if (other === n || item.result !== line || !item.part) {
                return sum;
            }
            const { rows, cols: columns } = contents[other];
            const [r, c] = item.part.transposed ? [columns, rows] : [rows, columns];
            return c > WIDE
                ? sum
                : sum +
                      Math.max(10, entrySize(r, c, { width, height: 320 }) * c) +
                      (c === 1 && r <= 64 ? 60 : 0) +
                      GAPS +
                      OPERATOR_WIDTH;
        }, 0);
        const left = width - others - 30;
        return left > 0.62 * width ? left : width - OPERATOR_WIDTH - 20;
    }
}

/** An operator stays with the matrix that follows it, as where a long equation is broken. */
function termsOf(line) {
    const terms = [[]];
    line.forEach((token, n) => {
        const last = terms.at(-1);
        last.push(token);
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

function noteOf({ name, repeated }, trace, rows, cols) {
    if (repeated && trace.X.rows > 1) {
        return `one column, ${trace.X.rows} times`;
    }
    if (name.endsWith(" after")) {
        return "after the step";
    }
    return Math.max(rows, cols) > WIDE && Math.min(rows, cols) === 1 ? "widened" : "";
}
