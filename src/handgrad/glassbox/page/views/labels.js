/**
 * Integer labels or one-hot: B1 both ways, side by side, and the memory that each needs.
 *
 * @import { MatrixView } from "../drawing/matrix_view.js"
 * @import { Page, Part } from "../main.js"
 * @import { Matrix } from "../math/matrix.js"
 */
import { matrix } from "../math/matrix.js";
import { element, setText } from "../drawing/elements.js";
import { equation } from "../drawing/equation.js";
import { formatBytes, formatCount, formatNumber } from "../drawing/numbers.js";
import { createMatrixView } from "../drawing/matrix_view.js";
import { oneHot, placesOf } from "./equation_parts.js";

const MANY = 60_000; // samples of MNIST's training set
const READS = ["sample", "meant", "m", "network", "mistakes", "theme", "contrast", "resized", "view"];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createLabelsView({ payload, derived, palette }) {
    const { K, classNames } = payload;
    const ignore = { onHover() {}, onSelect() {} };
    const hot = { A2: createMatrixView(ignore), Y: createMatrixView(ignore), dZ2: createMatrixView(ignore) };
    const whole = { A2: createMatrixView(ignore), dZ2: createMatrixView(ignore) };
    const list = element("span.labels-list");
    const verdict = element("p.verdict");
    const sign = (/** @type {string} */ text) => element("span.sign", { text, "aria-hidden": "true" });
    const code = (/** @type {string} */ text) => element("pre.code", { tabindex: "0" }, element("code", { text }));
    const touched = element("p.note");
    const node = element(
        "div.view.labels-view",
        {},
        element("h1", { text: "Integer labels or one-hot: two ways to the same dZ2" }),
        element("p.lead", {
            text: "On paper, Y has one column per sample, with a 1 at its class and 0 elsewhere. A program does not need Y: it subtracts 1 at one place of each column.",
        }),
        element(
            "div.columns.even",
            {},
            element(
                "section.card",
                {},
                element("h2", { text: "One-hot: form Y, subtract it" }),
                element("div.formula", {}, equation("dZ2 = frac(1, m) (A2 − Y)", { block: true })),
                code("Y = np.eye(K)[:, y]\ndZ2 = (A2 - Y) / m"),
                element(
                    "div.equation-line",
                    {},
                    hot.dZ2.node,
                    sign("= ("),
                    hot.A2.node,
                    sign("−"),
                    hot.Y.node,
                    sign(") / m"),
                ),
            ),
            element(
                "section.card",
                {},
                element("h2", { text: "Integers: subtract 1 at (y_i, i)" }),
                element(
                    "div.formula",
                    {},
                    equation("dZ2[y_i, i] = frac(1, m) (A2[y_i, i] − 1)", { block: true }),
                ),
                code("dZ2 = A2.copy()\ndZ2[y, np.arange(m)] -= 1\ndZ2 /= m"),
                element(
                    "div.equation-line",
                    {},
                    whole.dZ2.node,
                    sign("= ("),
                    whole.A2.node,
                    sign("− 1 at"),
                    element("div.labels", {}, element("span.labels-name", { text: "y" }), list),
                    sign(") / m"),
                ),
                touched,
            ),
        ),
        verdict,
        memoryTable(K),
    );

    return {
        node,
        render(state, changed) {
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            const trace = derived.trace(state);
            const { A2, y } = trace;
            const m = y.length;
            const Y = oneHot(y, K);
            const room = {
                width: Math.max(120, node.clientWidth / (node.clientWidth > 900 ? 2 : 1) - 90),
                height: 400,
            };
            /** @type {(view: MatrixView, name: string, M: Matrix) => void} */
            const show = (view, name, M) =>
                view.show({ name, formula: name, matrix: M, palette: palette(), room, rowNames: classNames });
            const byOneHot = scaled(
                A2.data.map((a, n) => a - Y.data[n]),
                K,
                m,
            );
            const byIntegers = subtracted(A2, y);
            show(hot.A2, "A2", A2);
            show(hot.Y, "Y", Y);
            show(hot.dZ2, "dZ2", byOneHot);
            show(whole.A2, "A2", A2);
            show(whole.dZ2, "dZ2", byIntegers);
            whole.A2.outline(placesOf(y));
            list.replaceChildren(
                ...Array.from(y, (label) => element("span.label-chip", { text: classNames[label] })),
            );
            setText(touched, `Numbers that the labels change: ${m} of ${formatCount(K * m)}.`);
            const gap = byOneHot.data.reduce(
                (largest, value, n) => Math.max(largest, Math.abs(value - byIntegers.data[n])),
                0,
            );
            verdict.classList.toggle("good", gap === 0);
            setText(
                verdict,
                gap === 0
                    ? "✓ The same numbers, to the last bit."
                    : `Largest difference: ${formatNumber(gap)}`,
            );
        },
    };
}

/**
 * @param {Float64Array} data
 * @param {number} K
 * @param {number} m
 */
function scaled(data, K, m) {
    return matrix(
        K,
        m,
        data.map((value) => value / m),
    );
}

/**
 * B1 with integers: only one entry of each column changes before the division.
 *
 * @param {Matrix} A2 K×m
 * @param {Int32Array} y m labels
 */
function subtracted(A2, y) {
    const data = A2.data.slice();
    y.forEach((label, i) => {
        data[label * y.length + i] -= 1;
    });
    return scaled(data, A2.rows, y.length);
}

/** @param {number} K */
function memoryTable(K) {
    const entries = K * MANY;
    /** @type {[string, number, string][]} */
    const rows = [
        [`Y in float64 (8 bytes × ${formatCount(entries)})`, entries * 8, "hot"],
        [`Y in float32 (4 bytes × ${formatCount(entries)})`, entries * 4, "hot"],
        [`y in int64 (8 bytes × ${formatCount(MANY)})`, MANY * 8, "whole"],
        [`y in uint8 (1 byte × ${formatCount(MANY)})`, MANY, "whole"],
    ];
    const largest = rows[0][1];
    return element(
        "section.card",
        { id: "memory" },
        element("h2", { text: `Memory for m = ${formatCount(MANY)}` }),
        element("p", {
            text: `With ${K} classes, Y has ${formatCount(entries)} entries, and ${formatCount(entries - MANY)} of them are 0.`,
        }),
        element(
            "table.memory",
            {},
            element("caption.unseen", { text: "Memory of the labels" }),
            element(
                "tbody",
                {},
                ...rows.map(([name, size, kind]) => {
                    const bar = element(`span.memory-bar.${kind}`);
                    bar.style.width = `${Math.max(0.5, (size / largest) * 100)}%`;
                    return element(
                        "tr",
                        {},
                        element("th", { scope: "row", text: name }),
                        element("td.term-value", { text: formatBytes(size) }),
                        element("td.memory-track", { "aria-hidden": "true" }, bar),
                    );
                }),
            ),
        ),
    );
}
