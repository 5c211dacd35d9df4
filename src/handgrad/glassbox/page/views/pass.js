/**
 * The pass as the notes write it: twelve steps, each an equation of real matrices.
 *
 * @import { Page, View } from "../main.js"
 * @import { Trace } from "../math/trace.js"
 * @import { State } from "../state/state.js"
 */
import { shapesWithNumbers, STEPS } from "../math/trace.js";
import { element, setText } from "../drawing/elements.js";
import { equation } from "../drawing/equation.js";
import { createGradientAsSum } from "./gradient_as_sum.js";
import { createBatchStrip } from "./batch_strip.js";
import { createChanges } from "./changes.js";
import { createDerivation, formulaReference } from "./derivations.js";
import { createLegend } from "./legend.js";
import { createRowPictures } from "./row_pictures.js";
import { createStage } from "./stage.js";
import { createStepButtons } from "./step_buttons.js";
import { FORMULAS, isInside } from "./equation_parts.js";
import { createSumPanel } from "./sum_panel.js";

/** @type {Record<number, "dW1" | "dW2" | undefined>} */
const SUM_GRADIENTS = { 7: "dW2", 10: "dW1" };
const READS = [
    "step",
    "sample",
    "meant",
    "m",
    "network",
    "learningRate",
    "mistakes",
    "sums",
    "added",
    "theme",
    "contrast",
    "resized",
    "view",
];

/**
 * @param {Page} page
 * @returns {View}
 */
export function createPassView(page) {
    const { store, payload, derived, palette } = page;
    const stepButtons = createStepButtons(store);
    const stage = createStage(page);
    const panel = createSumPanel(payload);
    const rowPictures = createRowPictures(page);
    const outer = createGradientAsSum(page);
    const changes = createChanges(payload);
    const strip = createBatchStrip(page);
    const legend = createLegend(page);

    const ids = element("span.step-ids");
    const heading = element("h1", { tabindex: "-1" });
    const meaning = element("p.lead");
    const formulas = element("div.step-formulas");
    const letters = element("p.shapes");
    const numbers = element("p.shapes.strong");
    const whyPlace = element("div");
    const warning = element("p.notice", { hidden: true });
    const sumsSwitch = element(
        "div.switch",
        { role: "group", "aria-label": "How the gradient is computed" },
        ...[false, true].map((sums) =>
            element("button.chip", {
                text: sums ? "As a sum over samples" : "As a matrix product",
                onclick: () => store.set({ sums, added: sums ? 1 : null }),
            }),
        ),
    );
    const node = element(
        "div.view.pass",
        { onkeydown: (event) => stepByKey(event) },
        stepButtons.node,
        strip.node,
        element(
            "div.pass-grid",
            {},
            element(
                "section.card.pass-main",
                { "aria-label": "The step" },
                element("div.step-head", {}, ids, heading),
                meaning,
                element("div.step-equation", {}, formulas, element("div", {}, letters, numbers)),
                warning,
                sumsSwitch,
                outer.node,
                stage.node,
                legend.node,
                stepButtons.controls,
            ),
            element("div.pass-side", {}, panel.node, whyPlace),
        ),
        rowPictures.node,
        changes.node,
    );
    /** @type {number | null} */
    let shownStep = null;

    /** @param {KeyboardEvent} event */
    function stepByKey(event) {
        const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
        const typing =
            event.target instanceof Element && event.target.closest("input, select, [role=grid]");
        if (by !== 0 && !typing && !event.altKey && !event.ctrlKey && !event.metaKey) {
            event.preventDefault();
            stepButtons.move(by);
        }
    }

    /**
     * @param {State} state
     * @param {Trace} trace
     */
    function showWords(state, trace) {
        const step = STEPS[state.step];
        const sizes = { m: trace.X.rows, D: payload.D, H: payload.H, K: payload.K };
        if (shownStep !== state.step) {
            shownStep = state.step;
            ids.replaceChildren(...step.ids.map((id) => formulaReference(id, payload.derivation)));
            formulas.replaceChildren(
                ...FORMULAS[state.step].map((text) =>
                    element("div.formula", {}, equation(text, { block: true })),
                ),
            );
            whyPlace.replaceChildren(createDerivation(step.ids, payload.derivation));
        }
        setText(heading, `Step ${state.step + 1} of 12: ${step.title}`);
        setText(meaning, step.meaning);
        setText(letters, step.shapes);
        setText(numbers, shapesWithNumbers(step, sizes));
        letters.hidden = letters.textContent === numbers.textContent;
        warning.hidden = state.mistakes.length === 0;
        setText(
            warning,
            `${state.mistakes.length === 1 ? "A mistake is" : `${state.mistakes.length} mistakes are`} planted in this pass: see “Break it”.`,
        );
    }

    return {
        node,
        /** Arrow keys move between steps even if nothing in the view has the focus. */
        key: stepByKey,
        leave() {
            stepButtons.stop();
            outer.stop();
        },
        render(state, changed) {
            legend.render(state, changed);
            strip.render(state, changed);
            const due = READS.some((key) => changed.has(key));
            if (!due && !changed.has("entry") && !changed.has("hover")) {
                return;
            }
            const trace = derived.trace(state);
            const entry =
                [state.hover, state.entry].find((one) => one !== null && isInside(trace, one)) ?? null;
            const gradient = SUM_GRADIENTS[state.step];
            const asSum = state.sums ? gradient : undefined;
            if (due) {
                stepButtons.render(state);
                showWords(state, trace);
                sumsSwitch.hidden = gradient === undefined;
                [...sumsSwitch.children].forEach((button, n) =>
                    button.setAttribute("aria-pressed", String((n === 1) === state.sums)),
                );
                outer.node.hidden = asSum === undefined;
                stage.show(trace, state, palette(), {
                    skip: asSum ?? null,
                    assumed: derived.batch(state).assumed,
                });
                if (asSum) {
                    outer.show(trace, asSum, state, palette(), {
                        width: stage.node.clientWidth - 8,
                        height: 400,
                    });
                }
                changes.node.hidden = state.step !== 11;
                rowPictures.node.hidden = ![1, 10].includes(state.step);
                if (state.step === 11) {
                    changes.show(trace, palette());
                }
            }
            if (!asSum && state.step !== 10 && gradient) {
                outer.stop();
            }
            stage.mark(trace, entry);
            panel.show(trace, entry, palette());
            if (state.step === 1) {
                rowPictures.show(trace, entry, palette());
            } else if (state.step === 10) {
                rowPictures.showGradient(trace, entry, palette());
            }
        },
    };
}
