/**
 * Descent: one step, ten, or a run; the curves, and the rows of W1 as they change.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Page, Part } from "../main.js"
 * @import { CostPoint } from "../math/descent.js"
 * @import { State } from "../state/state.js"
 */
import { element, setText } from "../drawing/elements.js";
import { createCurve } from "../drawing/curves.js";
import { formatCount, formatNumber, formatPercent, formatSigned, plural } from "../drawing/numbers.js";
import { createLegend } from "./legend.js";
import { createRate } from "./rate.js";
import { createWeights } from "./weights.js";

const TOO_LARGE = 30;
const READS = [
    "network",
    "base",
    "changesOnly",
    "iteration",
    "costs",
    "running",
    "diverged",
    "undo",
    "learningRate",
    "theme",
    "contrast",
    "resized",
    "view",
    "live",
    "following",
];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createDescendView(page) {
    const { store, payload, derived, palette, run, liveControls } = page;
    const rate = createRate((learningRate) =>
        (store.get().following ? liveControls : run)?.setLearningRate(learningRate),
    );
    const weights = createWeights(page);
    const legend = createLegend(page);
    const costCurve = createCurve("Cost", { colours: ["--curve-cost"] });
    const accuracyCurve = createCurve("Accuracy", { percent: true, colours: ["--curve-accuracy"] });
    const figures = { iteration: element("dd"), cost: element("dd"), accuracy: element("dd") };
    const unit = element("dt", { text: "Steps" });
    const outcome = element("p.outcome", { role: "status" });

    const buttons = {
        one: element("button.primary", { text: "Take one step", onclick: () => run.step(1) }),
        ten: element("button.tool", { text: "Ten steps", onclick: () => run.step(10) }),
        run: element("button.tool", {
            text: "Run",
            onclick: () => (store.get().running ? run.stop() : run.run()),
        }),
        undo: element("button.tool", { text: "Undo", onclick: () => run.undo() }),
        reset: element("button.quiet", { text: "Back to the loaded network", onclick: () => run.reset() }),
        fresh: element("button.quiet", { text: "New initial values", onclick: () => run.fresh() }),
        tryIt: element("button.tool", {
            text: `Try η = ${TOO_LARGE}, ten steps`,
            onclick: () => run.tryRate(TOO_LARGE, 10),
        }),
    };
    const whileFollowing = element("p.note", {
        text: "To try it, stop following the run. Then this page takes the steps.",
    });
    const noLabels = element("p.notice", {
        hidden: run.possible(),
        text: "The embedded samples have no labels, so the network cannot learn from them.",
    });
    const localControls = element(
        "div.row",
        { id: "descend-controls" },
        buttons.one,
        buttons.ten,
        buttons.run,
        buttons.undo,
    );
    const node = element(
        "div.view.descend",
        {},
        element("h1", { text: "Descend: let the network learn, step by step" }),
        element("p.lead", { text: leadText(payload) }),
        noLabels,
        element(
            "section.card",
            { "aria-label": "Controls" },
            liveControls?.controls,
            localControls,
            rate.node,
            outcome,
            element("div.row", {}, buttons.reset, buttons.fresh),
        ),
        element(
            "div.columns.even",
            {},
            element(
                "section.card",
                { "aria-label": "Cost and accuracy" },
                element(
                    "dl.figures",
                    {},
                    unit,
                    figures.iteration,
                    element("dt", { text: "Cost" }),
                    figures.cost,
                    element("dt", { text: "Accuracy" }),
                    figures.accuracy,
                ),
                costCurve.node,
                accuracyCurve.node,
            ),
            element("section.card", {}, element("h2", { text: "The rows of W1" }), weights.node, legend.node),
        ),
        element(
            "section.card",
            { id: "too-large" },
            element("h2", { text: "What if η is too large?" }),
            element("p", {
                text: "The slope is right only nearby. A small step goes downhill. A very large step jumps over the valley and lands higher up on the other side, where the slope is even steeper. The cost jumps up, units die, and the predictions become useless. Try it: one Undo brings everything back.",
            }),
            element("div.row", {}, buttons.tryIt),
            whileFollowing,
        ),
    );
    /** @type {{iteration: number, cost: number} | null} before the last action, to say what it did */
    let before = null;

    /** @param {State} state */
    function say(state) {
        const { costs } = state;
        const last = costs.at(-1);
        if (state.running) {
            setText(outcome, "Running: each step uses all embedded samples.");
        } else if (state.diverged) {
            setText(
                outcome,
                "The numbers have become too large for a computer, because η was too large. Undo, and choose a smaller η.",
            );
        } else if (
            last !== undefined &&
            before !== null &&
            before.iteration < state.iteration
        ) {
            const change = last[1] - before.cost;
            const steps = plural(state.iteration - before.iteration, "step");
            setText(
                outcome,
                change <= 0
                    ? `After ${steps} the cost has changed by ${formatSigned(change)}: downhill.`
                    : `After ${steps} the cost has changed by ${formatSigned(change)}: uphill. η = ${state.learningRate} is too large here.`,
            );
        } else {
            setText(outcome, "");
        }
    }

    return {
        node,
        render(state, changed) {
            legend.render(state, changed);
            liveControls?.render(state, changed);
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            const trainable = run.possible() && !state.following;
            for (const [name, button] of Object.entries(buttons)) {
                button.disabled =
                    !trainable ||
                    (name !== "run" && state.running) ||
                    (name === "undo" && state.undo.length === 0);
            }
            localControls.hidden = state.following;
            whileFollowing.hidden = !state.following;
            buttons.reset.hidden = state.following;
            buttons.fresh.hidden = state.following;
            setText(buttons.run, state.running ? "Pause" : "Run");
            const remote = state.following ? state.live?.state : undefined;
            setText(unit, remote?.unit === "epoch" ? "Epochs" : "Steps");
            rate.node.hidden = remote?.learningRate === null; // lbfgs has none
            rate.show(remote?.learningRate ?? state.learningRate);
            const last = state.costs.at(-1);
            const standing = last ? { cost: last[1], accuracy: last[2] } : derived.evaluation(state.network).results;
            setText(figures.iteration, formatCount(state.iteration));
            setText(figures.cost, standing === null ? "–" : formatNumber(standing.cost, 4));
            setText(figures.accuracy, standing === null ? "–" : formatPercent(standing.accuracy));
            if (changed.has("undo")) {
                const previous = state.undo.at(-1);
                const cost =
                    previous?.costs.at(-1)?.[1] ??
                    (previous && derived.evaluation(previous.network).results?.cost);
                before = previous && cost !== undefined ? { iteration: previous.iteration, cost } : null;
            }
            say(state);
            /** @type {CostPoint[]} */
            const points =
                state.costs.length > 0 || standing === null
                    ? state.costs
                    : [[state.iteration, standing.cost, standing.accuracy]];
            costCurve.show([points.map(([iteration, cost]) => [iteration, cost])]);
            accuracyCurve.show([points.map(([iteration, , accuracy]) => [iteration, accuracy])]);
            weights.show(state, palette());
        },
    };
}

/** @param {Payload} payload */
function leadText({ samples, live }) {
    const count = plural(samples.count, "embedded sample");
    return live
        ? "This page shows a run on your computer, step by step. Stop following it to take your own steps here."
        : `One step goes forward and backward with all ${count}. Then it moves every parameter a little downhill (U1).`;
}
