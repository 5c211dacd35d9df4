/**
 * The confusion matrix of the embedded samples: a cell shows its samples, a sample its pass.
 *
 * @import { Page, Part } from "../main.js"
 * @import { Matrix } from "../math/matrix.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatPercent, plural } from "../drawing/numbers.js";
import { embedded } from "../state/samples.js";
import { createThumbnails } from "./thumbnails.js";

const READS = ["network", "cell", "theme", "contrast", "view", "running"];
const STRONG = 0.4; // of a class: below it, the colour stays pale enough for dark text
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createConfusionView(page) {
    const { store, payload, derived, actions } = page;
    const { K, classNames, samples } = payload;
    const summary = element("p.lead");
    const buttons = Array.from({ length: K * K }, (_, n) => createCell(n));
    const table = element(
        "table.confusion",
        { onkeydown: (event) => walk(event) },
        element("caption", {
            text: "Rows: what it is. Columns: what the network says. Use the arrow keys to move between the cells.",
        }),
        element(
            "thead",
            {},
            element(
                "tr",
                {},
                element("th", { scope: "col", text: "is ↓ says →" }),
                ...classNames.map((text) => element("th", { scope: "col", text })),
            ),
        ),
        element(
            "tbody",
            {},
            ...classNames.map((text, truth) =>
                element(
                    "tr",
                    {},
                    element("th", { scope: "row", text }),
                    ...buttons.slice(truth * K, (truth + 1) * K).map((button) => element("td", {}, button)),
                ),
            ),
        ),
    );
    const heading = element("h2", { tabindex: "-1" });
    const thumbnails = createThumbnails(page, (index) => actions.openTrace(embedded(index)));
    const opened = element("section.card", { "aria-label": "Samples of the cell" }, heading, thumbnails.node);
    const node = element(
        "div.view.confusion-view",
        {},
        element("h1", { text: "What the network gets right, and what it confuses" }),
        summary,
        samples.hasLabels
            ? element(
                  "div.columns.even",
                  {},
                  element(
                      "section.card.scrolling",
                      { tabindex: "0", "aria-label": "Confusion matrix" },
                      table,
                  ),
                  opened,
              )
            : element("p.notice", {
                  text: "The embedded samples have no labels, so this page cannot compare the predictions with anything.",
              }),
    );
    let current = 0;

    /** @param {number} n */
    function createCell(n) {
        return element("button.confusion-cell", {
            tabindex: n === 0 ? "0" : "-1",
            onclick: () => openCell(n),
            onfocus: () => setCurrent(n),
        });
    }

    /** @param {number} n */
    function openCell(n) {
        store.set({ cell: { truth: Math.floor(n / K), says: n % K } });
    }

    /** @param {number} n */
    function setCurrent(n) {
        buttons[current].tabIndex = -1;
        current = n;
        buttons[n].tabIndex = 0;
    }

    /** @param {KeyboardEvent & {target: HTMLElement}} event */
    function walk(event) {
        const move = MOVES[event.key];
        if (move && event.target.classList.contains("confusion-cell")) {
            event.preventDefault();
            event.stopPropagation();
            const row = Math.min(K - 1, Math.max(0, Math.floor(current / K) + move[0]));
            const col = Math.min(K - 1, Math.max(0, (current % K) + move[1]));
            buttons[row * K + col].focus();
        }
    }

    /** @param {Matrix} confusion */
    function showCells(confusion) {
        buttons.forEach((button, n) => {
            const [truth, says] = [Math.floor(n / K), n % K];
            const count = confusion.data[n];
            const total = confusion.data
                .subarray(truth * K, (truth + 1) * K)
                .reduce((sum, value) => sum + value, 0);
            const share = total > 0 ? count / total : 0;
            setText(button, count === 0 ? "·" : String(count));
            button.classList.toggle("right", truth === says);
            button.style.setProperty(
                "--share",
                String(count === 0 ? 0 : share > STRONG ? 1 : 0.08 + 0.35 * Math.sqrt(share)),
            );
            button.classList.toggle("strong", share > STRONG);
            button.setAttribute("aria-label", `${count}: is ${classNames[truth]}, says ${classNames[says]}`);
        });
    }

    return {
        node,
        render(state, changed) {
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            const evaluation = derived.evaluation(state.network);
            const { results } = evaluation;
            if (results === null) {
                return;
            }
            const wrong = samples.count - Math.round(results.accuracy * samples.count);
            setText(
                summary,
                `${formatPercent(results.accuracy)} of ${plural(samples.count, "embedded sample")} are right, ${wrong} are not. Choose a cell to see its samples, then a sample to see its pass.`,
            );
            showCells(results.confusion);
            const { truth, says } = state.cell ?? costliestCell(results.confusion);
            buttons.forEach((button, n) =>
                button.setAttribute("aria-pressed", String(n === truth * K + says)),
            );
            const indices = Array.from({ length: samples.count }, (_, i) => i)
                .filter((i) => samples.label(i) === truth && evaluation.predictions[i] === says)
                .sort((one, other) => results.losses[other] - results.losses[one]);
            setText(
                heading,
                truth === says
                    ? `“${classNames[truth]}”, recognised`
                    : `“${classNames[truth]}”, taken for “${classNames[says]}”`,
            );
            thumbnails.show(
                indices,
                evaluation,
                state.sample.kind === "embedded" ? state.sample.index : null,
            );
        },
    };
}

/**
 * The most frequent confusion; if there is none, the first class.
 *
 * @param {Matrix} confusion
 */
function costliestCell({ rows, data }) {
    let best = 0;
    let most = 0;
    data.forEach((count, n) => {
        if (Math.floor(n / rows) !== n % rows && count > most) {
            most = count;
            best = n;
        }
    });
    return { truth: Math.floor(best / rows), says: best % rows };
}
