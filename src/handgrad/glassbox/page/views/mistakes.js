/** Break it: plant the classic mistakes, and see the gradient check go red. */
import { gradientCheck } from "../math/check.js";
import { MISTAKES, passesWith, possible } from "../math/mistakes.js";
import { initialNetwork } from "../math/passes.js";
import { element, setText } from "../drawing/elements.js";
import { createCurve } from "../drawing/curves.js";
import { equation } from "../drawing/equation.js";
import { formatNumber } from "../drawing/numbers.js";
import { rowsOf, labelsOf } from "../data/payload.js";
import { formulaReference } from "./derivations.js";

const STEPS = 60;
const RUN_SAMPLES = 150; // enough to show an effect, few enough to be quick
const SLICE = 8; // ms of a frame that the two runs may take
const LARGE_LOGIT = 1000;
const LARGEST_EXPONENT = 709; // of exp in float64
const READS = ["mistakes", "network", "sample", "meant", "m", "learningRate", "theme", "resized", "view"];

/**
 * @param {object} page
 * @returns {{node: HTMLElement, render: (state: object, changed: Set<string>) => void, leave: () => void}}
 */
export function createMistakesView({ store, payload, derived, run }) {
    const cards = MISTAKES.map((mistake) => createCard(mistake, store, payload));
    const rows = ["W1", "b1", "W2", "b2"].map((parameter) => createCheckRow(parameter));
    const verdict = element("p.verdict", { role: "status" });
    const large = element("button.tool", { text: "Make the logits large", onclick: () => enlarge() });
    const undo = element("button.quiet", { text: "Undo", onclick: () => run.undo() });
    const largest = element("p.note");
    const curve = createCurve("Cost, with η as chosen", { colours: ["--curve-cost", "--bad"], names: ["right", "with the mistakes"] });
    const effect = element("p");
    const clear = element("button.quiet", { text: "Take all mistakes out", onclick: () => store.set({ mistakes: [] }) });
    const node = element(
        "div.view.break",
        {},
        element("h1", { text: "Break it, and see how a check finds the fault" }),
        element("p.lead", { text: "Plant a mistake that everybody makes once. The gradient check moves single weights a little, measures how the cost changes, and compares: it needs no formula of the backward pass, so it catches a wrong one." }),
        element(
            "div.columns.even",
            {},
            element("section", { "aria-label": "Mistakes" }, ...cards.map((card) => card.node), element("div.row", {}, clear)),
            element(
                "div.sticky",
                {},
                element(
                    "section.card",
                    { id: "check" },
                    element("h2", { text: "Gradient check" }),
                    verdict,
                    element("div.scrolling", { tabindex: "0", role: "group", "aria-label": "Errors of the four gradients" }, checkTable(rows)),
                    largest,
                    element("div.row", {}, large, undo),
                ),
                element("section.card", {}, element("h2", { text: "What it does to learning" }), effect, curve.node),
            ),
        ),
    );
    let timer = null;

    function enlarge() {
        const { Z2 } = derived.trace(store.get());
        run.enlargeLogits(LARGE_LOGIT / Math.max(1, ...Z2.data.map(Math.abs)));
    }

    function check(state) {
        const trace = derived.trace(state);
        const results = gradientCheck(state.network, trace.X, trace.y, new Set(state.mistakes));
        results.forEach((result, n) => rows[n].show(result));
        const failed = results.filter(({ passed }) => !passed).map(({ parameter }) => `d${parameter}`);
        verdict.classList.toggle("good", failed.length === 0);
        verdict.classList.toggle("bad", failed.length > 0);
        setText(verdict, failed.length === 0 ? "✓ All slopes are as measured." : `✗ Wrong: ${failed.join(", ")}.`);
        setText(largest, `Largest logit in this batch: ${formatNumber(Math.max(...trace.Z2.data))}. The exponential overflows above 709.`);
        undo.disabled = state.undo.length === 0;
        cards.forEach((card) => card.show(state, trace));
    }

    /** Two runs from the network in hand, right and wrong, a few milliseconds a frame. */
    function compare(state) {
        stop();
        const dataset = payload.samples;
        if (!dataset.hasLabels) {
            setText(effect, "The embedded samples have no labels, so there is nothing to learn from here.");
            return;
        }
        const indices = Array.from({ length: Math.min(RUN_SAMPLES, dataset.count) }, (_, i) => i);
        const [X, y] = [rowsOf(dataset, indices), labelsOf(dataset, indices)];
        // From fresh values a mistake shows best; only an overflow needs the network as it is.
        const overflows = derived.trace(state).Z2.data.some((z) => Math.abs(z) > LARGEST_EXPONENT);
        const start = overflows ? state.network : initialNetwork(payload.D, payload.H, payload.K, 1);
        const runs = [new Set(), new Set(state.mistakes)].map((mistakes) => createRun(passesWith(mistakes), start, X, y, state.learningRate));
        const slice = () => {
            const end = performance.now() + SLICE;
            while (performance.now() < end && runs[1].costs.length <= STEPS) {
                runs.forEach((one) => one.step());
            }
            curve.show(state.mistakes.length > 0 ? runs.map((one) => one.costs) : [runs[0].costs]);
            timer = runs[1].costs.length <= STEPS ? setTimeout(slice, 8) : null;
            if (timer === null) {
                setText(effect, effectText(state, runs, `${indices.length} samples from ${overflows ? "the network in hand" : "fresh values"}`));
            }
        };
        setText(effect, "Learning twice, side by side …");
        timer = setTimeout(slice, 60);
    }

    function stop() {
        clearTimeout(timer);
        timer = null;
    }

    return {
        node,
        leave: stop,
        render(state, changed) {
            if (READS.some((key) => changed.has(key)) && !state.running) {
                check(state);
                compare(state);
            }
        },
    };
}

function checkTable(rows) {
    const titles = ["Gradient", "Error", "Worst entry", "Derived", "Measured"];
    return element(
        "table.check",
        {},
        element("thead", {}, element("tr", {}, ...titles.map((text) => element("th", { scope: "col", text })))),
        element("tbody", {}, ...rows.map((row) => row.node)),
    );
}

function createRun(passes, start, X, y, learningRate) {
    let network = start;
    const costs = [];
    return {
        costs,
        step() {
            const activations = passes.forward(network, X);
            costs.push([costs.length, passes.cost(activations.Z2, y)]);
            network = passes.descend(network, passes.backward(network, X, y, activations), learningRate);
        },
    };
}

function effectText({ mistakes, learningRate }, [right, wrong], where) {
    const about = `${STEPS} steps on ${where} with η = ${learningRate}`;
    const end = (one) => formatNumber(one.costs.at(-1)[1]);
    if (mistakes.length === 0) {
        return `${about}: the cost ends at ${end(right)}. Plant a mistake to see a second curve beside it.`;
    }
    return `${about}: without the mistakes the cost ends at ${end(right)}, with them at ${end(wrong)}.`;
}

function createCard(mistake, store, payload) {
    const input = element("input", { type: "checkbox", role: "switch", onchange: (event) => plant(event.target.checked) });
    const reason = element("p.note", { hidden: true });
    const node = element(
        "div.card.mistake",
        {},
        element("label.mistake-head", {}, input, element("span.mistake-title", { text: mistake.title }), formulaReference(mistake.formulaId, payload.derivation)),
        element("div.formula", {}, equation(mistake.id === "plain-softmax" ? "A2 = frac(exp Z2, Σ_l exp Z2)" : mistake.formula)),
        element("p", { text: mistake.whatGoesWrong }),
        reason,
    );

    function plant(planted) {
        const others = store.get().mistakes.filter((id) => id !== mistake.id);
        store.set({ mistakes: planted ? [...others, mistake.id] : others });
    }

    return {
        node,
        show(state, trace) {
            const answer = possible(mistake.id, state.network, trace.X.rows);
            const planted = state.mistakes.includes(mistake.id);
            // Leaving out 1/m is legal with one sample; it only does not show.
            input.disabled = answer !== true && mistake.id === "not-transposed" && !planted;
            input.checked = planted;
            node.classList.toggle("planted", planted);
            reason.hidden = answer === true;
            setText(reason, answer === true ? "" : answer);
        },
    };
}

function createCheckRow(parameter) {
    const cells = Array.from({ length: 4 }, () => element("td"));
    const node = element("tr", {}, element("th", { scope: "row" }, element("span.check-mark", { "aria-hidden": "true" }), `d${parameter}`), ...cells);
    return {
        node,
        show({ error, passed, worst }) {
            node.className = passed ? "passed" : "failed";
            setText(node.querySelector(".check-mark"), passed ? "✓ " : "✗ ");
            setText(cells[0], formatNumber(error, 2));
            setText(cells[1], `[${worst.row}, ${worst.col}]`);
            setText(cells[2], formatNumber(worst.derived, 4));
            setText(cells[3], formatNumber(worst.measured, 4));
        },
    };
}
