/**
 * A gradient as a sum: one outer product per sample, added one after another, until the sum
 * equals the matrix product.
 *
 * @import { Palette } from "../drawing/colours.js"
 * @import { Room } from "../drawing/heatmap.js"
 * @import { Page } from "../main.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { Trace } from "../math/trace.js"
 * @import { State } from "../state/state.js"
 *
 * @typedef {object} GradientAsSum
 * @property {HTMLElement} node
 * @property {(trace: Trace, name: "dW1" | "dW2", state: State, palette: Palette, room: Room) => void} show
 * @property {() => void} stop
 * @typedef {{slope: "dZ1" | "dZ2", factorName: string, factors: (trace: Trace) => Matrix}} Product
 */
import { outerProduct, outerProducts } from "../math/outer_products.js";
import { matrix, transpose } from "../math/matrix.js";
import { element, prefersStillness, setText } from "../drawing/elements.js";
import { formatNumber } from "../drawing/numbers.js";
import { createMatrixView } from "../drawing/matrix_view.js";

const PAUSE = 450; // ms between two samples

/** Which product each gradient is. */
/** @type {Record<"dW1" | "dW2", Product>} */
const PRODUCTS = {
    dW2: { slope: "dZ2", factors: (trace) => trace.A1, factorName: "A1" },
    dW1: { slope: "dZ1", factors: (trace) => transpose(trace.X), factorName: "X" },
};

/**
 * @param {Page} page
 * @returns {GradientAsSum}
 */
export function createGradientAsSum({ store }) {
    const still = { onHover() {}, onSelect() {} };
    const views = {
        column: createMatrixView(still),
        row: createMatrixView(still),
        product: createMatrixView(still),
        sum: createMatrixView(still),
        whole: createMatrixView(still),
    };
    const sign = (/** @type {string} */ text) => element("span.sign", { text, "aria-hidden": "true" });
    const caption = element("p.outer-caption", { "aria-live": "polite" });
    const verdict = element("p.verdict");
    const slider = element("input", {
        type: "range",
        min: "0",
        "aria-label": "How many samples have been added",
        oninput: (event) => add(Number(event.target.value)),
    });
    const play = element("button.tool", {
        text: "Add them up",
        onclick: () => (timer === undefined ? start() : stop()),
    });
    const back = element("button.icon", {
        text: "−",
        "aria-label": "Remove the last sample",
        onclick: () => add(added - 1),
    });
    const onward = element("button.icon", {
        text: "+",
        "aria-label": "Add one sample",
        onclick: () => add(added + 1),
    });
    const node = element(
        "div.outer",
        {},
        element("div.row.outer-controls", {}, back, onward, play, slider),
        caption,
        element(
            "div.equation-line",
            {},
            views.column.node,
            sign("·"),
            views.row.node,
            sign("="),
            views.product.node,
        ),
        element(
            "div.equation-line",
            {},
            element("div.titled", {}, element("h3", { text: "Added up so far" }), views.sum.node),
            element(
                "div.titled",
                {},
                element("h3", { text: "The matrix product, all at once" }),
                views.whole.node,
            ),
        ),
        verdict,
    );
    /** @type {ReturnType<typeof setInterval> | undefined} */
    let timer;
    let added = 0;
    let m = 1;
    /** @type {{trace: Trace | null, name: string, sums: Matrix[]}} */
    let partial = { trace: null, name: "", sums: [] };

    /** @param {number} count */
    function add(count) {
        store.set({ added: Math.min(m, Math.max(0, count)) });
    }

    function start() {
        add(added === m ? 1 : added + 1);
        timer = setInterval(
            () => (added < m ? add(added + 1) : stop()),
            prefersStillness() ? PAUSE * 2 : PAUSE,
        );
        setText(play, "Pause");
    }

    function stop() {
        clearInterval(timer);
        timer = undefined;
        setText(play, "Add them up");
    }

    return {
        node,
        stop,
        show(trace, name, state, palette, room) {
            m = trace.X.rows;
            added = state.added === null ? m : Math.min(m, state.added);
            const { slope, factors, factorName } = PRODUCTS[name];
            const dZ = trace[slope];
            const A = factors(trace);
            if (partial.trace !== trace || partial.name !== name) {
                partial = { trace, name, sums: [...outerProducts(dZ, A)] };
            }
            slider.max = String(m);
            slider.value = String(added);
            back.disabled = added === 0;
            onward.disabled = added === m;
            const i = Math.max(0, added - 1);
            const one = (/** @type {Matrix} */ M) =>
                matrix(
                    M.rows,
                    1,
                    Float64Array.from({ length: M.rows }, (_, r) => M.data[r * m + i]),
                );
            const small = { width: room.width * 0.5, height: 300 };
            views.column.show({
                name: `column ${i} of ${slope}`,
                formula: `${slope}[:, ${i}]`,
                matrix: one(dZ),
                palette,
                room: small,
            });
            views.row.show({
                name: `sample ${i} of ${factorName}`,
                formula: factorName === "X" ? `X[${i}, :]` : `A1[:, ${i}]ᵀ`,
                matrix: one(A),
                transposed: true,
                palette,
                room: { width: room.width * (A.rows > 64 ? 1 : 0.5), height: 300 },
            });
            views.product.show({
                name: `what sample ${i} adds`,
                formula: `${slope}[:, ${i}] ${factorName === "X" ? `X[${i}, :]` : `A1[:, ${i}]ᵀ`}`,
                matrix: outerProduct(dZ, A, i),
                palette,
                room,
            });
            const sum = added === 0 ? matrix(dZ.rows, A.rows) : partial.sums[added - 1];
            views.sum.show({ name: `sum of ${added} samples`, formula: name, matrix: sum, palette, room });
            views.whole.show({
                name,
                formula: factorName === "X" ? `${slope} · X` : `${slope} · A1ᵀ`,
                matrix: trace[name],
                palette,
                room,
            });
            setText(
                caption,
                added === 0
                    ? "Nothing has been added yet: the sum is 0."
                    : `Sample ${i}: a column times a row gives a whole matrix. It is what this sample adds. Added: ${added} of ${m}.`,
            );
            showVerdict(verdict, sum, trace[name], added, m);
        },
    };
}

/**
 * @param {HTMLElement} node
 * @param {Matrix} sum
 * @param {Matrix} whole
 * @param {number} added
 * @param {number} m
 */
function showVerdict(node, sum, whole, added, m) {
    let gap = 0;
    for (let n = 0; n < whole.data.length; n++) {
        gap = Math.max(gap, Math.abs(whole.data[n] - sum.data[n]));
    }
    const equal = added === m && gap < 1e-12;
    node.classList.toggle("good", equal);
    setText(
        node,
        equal
            ? `✓ Equal to the matrix product, all ${whole.rows}×${whole.cols} entries.`
            : `Largest difference from the matrix product: ${formatNumber(gap)}`,
    );
}
