/**
 * The mask: which hidden units are on, where the gradient stops, which units are dead.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Palette } from "../drawing/colours.js"
 * @import { Page, Part } from "../main.js"
 * @import { Trace } from "../math/trace.js"
 * @import { Actions } from "../state/actions.js"
 */
import { colourOf } from "../drawing/colours.js";
import { element, setText } from "../drawing/elements.js";
import { equation } from "../drawing/equation.js";
import { formatNumber, formatPercent, plural } from "../drawing/numbers.js";
import { createMatrixView } from "../drawing/matrix_view.js";
import { createPicture } from "../drawing/picture.js";
import { matrix } from "../math/matrix.js";

const READS = [
    "sample",
    "meant",
    "m",
    "network",
    "mistakes",
    "theme",
    "contrast",
    "resized",
    "view",
    "column",
];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createMaskView({ store, payload, derived, palette, actions }) {
    const rows = Array.from({ length: payload.H }, (_, h) => createUnitRow(h, payload, actions));
    const summary = element("p.lead");
    const dead = element("p");
    const maskView = createMatrixView({
        onHover() {},
        onSelect: (place) => store.set({ column: place ? place.col : 0 }),
    });
    const batchPart = element(
        "section.card",
        {},
        element("h2", { text: "The mask of the whole batch" }),
        element("p", {
            text: "One column per sample: orange is on, grey is off. Choose a column to see its sample below.",
        }),
        element("div.equation-line", {}, maskView.node),
    );
    const planted = element("p.notice", {
        hidden: true,
        text: "The mistake “Forget the ReLU mask” is planted: dA1 flows back even if a unit is off.",
    });
    const node = element(
        "div.view.mask",
        {},
        element("h1", { text: "The mask: where the gradient stops" }),
        element("p.lead", {
            text: "A hidden unit is off if its sum Z1 is not above 0. It passes 0 forward, so it does not affect the cost, and no gradient flows back to it.",
        }),
        summary,
        planted,
        batchPart,
        element(
            "section.card",
            {},
            element(
                "div.mask-table",
                { role: "table", "aria-label": "Hidden units" },
                element(
                    "div.mask-row.mask-head",
                    { role: "row" },
                    ...["Unit", "Z1", "Is it on?", "dA1 arrives", "dZ1 passes", "On for"].map((text) =>
                        element("span", { role: "columnheader", text }),
                    ),
                ),
                ...rows.map((row) => row.node),
            ),
        ),
        element(
            "section.card",
            { id: "dead-units" },
            element("h2", { text: "Dead units" }),
            dead,
            element("div.formula", {}, equation("dZ1 = dA1 ⊙ (Z1 > 0)", { block: true })),
        ),
    );

    return {
        node,
        render(state, changed) {
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            const trace = derived.trace(state);
            const evaluation = derived.evaluation(state.network);
            const m = trace.X.rows;
            const i = Math.min(m - 1, state.column);
            const mask = matrix(
                payload.H,
                m,
                trace.Z1.data.map((z) => (z > 0 ? 1 : 0)),
            );
            const on = Array.from({ length: payload.H }, (_, h) => mask.data[h * m + i]).filter(
                Boolean,
            ).length;
            setText(
                summary,
                `For ${m === 1 ? "this sample" : `sample ${i} of the batch`}, ${on} of ${payload.H} units are on, ${payload.H - on} are off.`,
            );
            planted.hidden = !state.mistakes.includes("no-mask");
            batchPart.hidden = m === 1;
            maskView.show({
                name: "the mask Z1 > 0",
                formula: "(Z1 > 0)",
                matrix: mask,
                palette: palette(),
                room: { width: Math.max(200, batchPart.clientWidth - 60), height: 400 },
            });
            maskView.mark({ col: i });
            rows.forEach((row, h) =>
                row.show(
                    trace,
                    i,
                    evaluation.active[h],
                    payload.samples.count,
                    palette(),
                    changed.has("network") || changed.has("theme") || changed.has("contrast"),
                ),
            );
            const deadUnits = [...evaluation.active.keys()].filter((h) => evaluation.active[h] === 0);
            setText(dead, deadText(deadUnits, payload.samples.count));
        },
    };
}

/**
 * @param {number[]} units
 * @param {number} count
 */
function deadText(units, count) {
    if (count === 0) {
        return "This page contains no samples, so it cannot say which units are off for all samples.";
    }
    const samples = plural(count, "embedded sample");
    if (units.length === 0) {
        return `None: each unit is on for at least one of the ${samples}. A unit that is off for all of them gets a gradient of exactly 0, so training cannot turn it on again.`;
    }
    const names = units.length === 1 ? `Unit ${units[0]} is` : `Units ${units.join(", ")} are`;
    return `${names} off for all ${samples}. The gradient there is exactly 0, so no step on these samples can change ${units.length === 1 ? "it" : "them"}.`;
}

/**
 * @param {number} h
 * @param {Payload} payload
 * @param {Actions} actions
 */
function createUnitRow(h, payload, actions) {
    const picture = createPicture(payload.imageShape, { classes: "mask-picture" });
    const cells = ["z", "gate", "arrives", "leaves", "often"].map((kind) =>
        element(`span.mask-${kind}`, { role: "cell" }),
    );
    const button = element(
        "button.quiet",
        {
            "aria-label": `Unit ${h}: show the sum behind its Z1`,
            onclick: () => actions.inspect(1, { name: "Z1", row: h, col: 0 }),
        },
        picture.node,
        element("span", { text: String(h) }),
    );
    const node = element(
        "div.mask-row",
        { role: "row" },
        element("span.mask-unit", { role: "cell" }, button),
        ...cells,
    );
    let painted = false;
    return {
        node,
        /**
         * @param {Trace} trace
         * @param {number} i
         * @param {number} active for how many samples the unit is on
         * @param {number} count of samples
         * @param {Palette} palette
         * @param {boolean} repaint
         */
        show(trace, i, active, count, palette, repaint) {
            const m = trace.X.rows;
            if (repaint || !painted) {
                const { cols, data } = trace.network.W1;
                picture.show(data.subarray(h * cols, (h + 1) * cols), palette, `weights of unit ${h}`);
                painted = true;
            }
            const [z, arrives, leaves] = [trace.Z1, trace.dA1, trace.dZ1].map((M) => M.data[h * m + i]);
            const on = z > 0;
            node.classList.toggle("off", !on);
            swatch(cells[0], z, palette);
            setText(cells[1], on ? "● on: passes" : "○ off: stops");
            swatch(cells[2], arrives, palette);
            swatch(cells[3], leaves, palette);
            setText(
                cells[4],
                count === 0 ? "–" : active === 0 ? "none: dead" : formatPercent(active / count, 0),
            );
            cells[4].classList.toggle("bad", active === 0 && count > 0);
        },
    };
}

/**
 * @param {HTMLElement} cell
 * @param {number} value
 * @param {Palette} palette
 */
function swatch(cell, value, palette) {
    setText(cell, formatNumber(value));
    cell.style.boxShadow = `inset 0.55rem 0 ${colourOf(palette, value)}`;
}
