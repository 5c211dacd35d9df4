/**
 * Break it: plant common mistakes, and see the gradient check turn red.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Page, View } from "../main.js"
 * @import { Mistake } from "../math/mistakes.js"
 * @import { Trace } from "../math/trace.js"
 * @import { State } from "../state/state.js"
 * @import { Store } from "../state/store.js"
 */
import { gradientCheck } from "../math/gradient_check.js";
import { MISTAKES, possible } from "../math/mistakes.js";
import { element, setText } from "../drawing/elements.js";
import { equation } from "../drawing/equation.js";
import { formatNumber } from "../drawing/numbers.js";
import { createCheckTable } from "./check_table.js";
import { formulaReference } from "./derivations.js";
import { createEffect } from "./mistake_effect.js";

const LARGE_LOGIT = 1000;
const READS = [
    "mistakes",
    "network",
    "sample",
    "meant",
    "m",
    "learningRate",
    "theme",
    "resized",
    "view",
    "following",
];

/**
 * @param {Page} page
 * @returns {View}
 */
export function createBreakView({ store, payload, derived, run }) {
    const cards = MISTAKES.map((mistake) => createCard(mistake, store, payload));
    const table = createCheckTable();
    const effect = createEffect(payload);
    const verdict = element("p.verdict", { role: "status" });
    const large = element("button.tool", { text: "Make the logits large", onclick: () => enlarge() });
    const undo = element("button.quiet", { text: "Undo", onclick: () => run.undo() });
    const largest = element("p.note");
    const clear = element("button.quiet", {
        text: "Remove all mistakes",
        onclick: () => store.set({ mistakes: [] }),
    });
    const node = element(
        "div.view.break",
        {},
        element("h1", { text: "Break it, and see how a check finds the mistake" }),
        element("p.lead", {
            text: "Plant a mistake that everybody makes once. The gradient check changes single weights a little, measures how the cost changes, and compares. It does not use the formulas of the backward pass, so it finds a wrong one.",
        }),
        element(
            "div.columns.even",
            {},
            element(
                "section",
                { "aria-label": "Mistakes" },
                ...cards.map((card) => card.node),
                element("div.row", {}, clear),
            ),
            element(
                "div.sticky",
                {},
                element(
                    "section.card",
                    { id: "check" },
                    element("h2", { text: "Gradient check" }),
                    verdict,
                    table.node,
                    largest,
                    element("div.row", {}, large, undo),
                ),
                effect.node,
            ),
        ),
    );

    function enlarge() {
        const { Z2 } = derived.trace(store.get());
        run.enlargeLogits(LARGE_LOGIT / Math.max(1, ...Z2.data.map(Math.abs)));
    }

    /** @param {State} state */
    function check(state) {
        const trace = derived.trace(state);
        const results = gradientCheck(state.network, trace.X, trace.y, new Set(state.mistakes));
        table.show(results);
        const failed = results.filter(({ passed }) => !passed).map(({ parameter }) => `d${parameter}`);
        verdict.classList.toggle("good", failed.length === 0);
        verdict.classList.toggle("bad", failed.length > 0);
        setText(
            verdict,
            failed.length === 0 ? "✓ All slopes agree with the measured ones." : `✗ Wrong: ${failed.join(", ")}.`,
        );
        setText(
            largest,
            `Largest logit in this batch: ${formatNumber(Math.max(...trace.Z2.data))}. The exponential overflows above 709.`,
        );
        undo.disabled = state.undo.length === 0;
        large.disabled = state.following; // the run's next network would undo it
        cards.forEach((card) => card.show(state, trace));
    }

    return {
        node,
        leave: effect.stop,
        render(state, changed) {
            if (READS.some((key) => changed.has(key)) && !state.running) {
                check(state);
                effect.show(state, derived.trace(state).Z2);
            }
        },
    };
}

/**
 * @param {Mistake} mistake
 * @param {Store<State>} store
 * @param {Payload} payload
 */
function createCard(mistake, store, payload) {
    const input = element("input", {
        type: "checkbox",
        role: "switch",
        onchange: (event) => plant(event.target.checked),
    });
    const reason = element("p.note", { hidden: true });
    const node = element(
        "div.card.mistake",
        {},
        element(
            "label.mistake-head",
            {},
            input,
            element("span.mistake-title", { text: mistake.title }),
            formulaReference(mistake.formulaId, payload.derivation),
        ),
        element(
            "div.formula",
            {},
            equation(mistake.id === "plain-softmax" ? "A2 = frac(exp Z2, Σ_l exp Z2)" : mistake.formula),
        ),
        element("p", { text: mistake.whatGoesWrong }),
        reason,
    );

    /** @param {boolean} planted */
    function plant(planted) {
        const others = store.get().mistakes.filter((id) => id !== mistake.id);
        store.set({ mistakes: planted ? [...others, mistake.id] : others });
    }

    return {
        node,
        /**
         * @param {State} state
         * @param {Trace} trace
         */
        show(state, trace) {
            const answer = possible(mistake.id, state.network, trace.X.rows);
            const planted = state.mistakes.includes(mistake.id);
            // With one sample it is allowed to leave out 1/m; it only has no effect.
            input.disabled = answer !== true && mistake.id === "not-transposed" && !planted;
            input.checked = planted;
            node.classList.toggle("planted", planted);
            reason.hidden = answer === true;
            setText(reason, answer === true ? "" : answer);
        },
    };
}
