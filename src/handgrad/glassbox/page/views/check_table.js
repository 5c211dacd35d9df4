/**
 * The gradient check as a table: one row per parameter, red if it fails.
 *
 * @import { ParameterCheck } from "../math/gradient_check.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatNumber } from "../drawing/numbers.js";

const PARAMETERS = ["W1", "b1", "W2", "b2"];
const TITLES = ["Gradient", "Error", "Worst entry", "Derived", "Measured"];

/**
 * @returns {{node: HTMLElement,
 *            show: (results: ParameterCheck[]) => void}}
 */
export function createCheckTable() {
    const rows = PARAMETERS.map((parameter) => createCheckRow(parameter));
    const head = element("tr", {}, ...TITLES.map((text) => element("th", { scope: "col", text })));
    const body = element("tbody", {}, ...rows.map((row) => row.node));
    const node = element(
        "div.scrolling",
        { tabindex: "0", role: "group", "aria-label": "Errors of the four gradients" },
        element("table.check", {}, element("thead", {}, head), body),
    );
    return {
        node,
        show(results) {
            results.forEach((result, n) => rows[n].show(result));
        },
    };
}

/** @param {string} parameter */
function createCheckRow(parameter) {
    const cells = Array.from({ length: 4 }, () => element("td"));
    const mark = element("span.check-mark", { "aria-hidden": "true" });
    const node = element(
        "tr",
        {},
        element("th", { scope: "row" }, mark, `d${parameter}`),
        ...cells,
    );
    return {
        node,
        /** @param {ParameterCheck} result */
        show({ error, passed, worst }) {
            node.className = passed ? "passed" : "failed";
            setText(mark, passed ? "✓ " : "✗ ");
            setText(cells[0], formatNumber(error, 2));
            setText(cells[1], `[${worst.row}, ${worst.col}]`);
            setText(cells[2], formatNumber(worst.derived, 4));
            setText(cells[3], formatNumber(worst.measured, 4));
        },
    };
}
