/**
 * A short tour that a learner takes alone: each stop shows something, and says what to do.
 *
 * @import { Payload } from "./data/payload.js"
 * @import { Page, Part } from "./main.js"
 * @import { State } from "./state/state.js"
 *
 * @typedef {object} Stop
 * @property {Partial<State>} change what to show
 * @property {string} at a selector of what to point at
 * @property {string} title
 * @property {string} text
 * @property {boolean} [needsBatch] whether it needs eight samples
 */
import { element, elementById, prefersStillness, setText } from "./drawing/elements.js";

/**
 * Each stop: what to show (a change of the state), what to point at (a selector), what to say.
 *
 * @param {Payload} payload
 * @returns {Stop[]}
 */
function stopsFor(payload) {
    const picture = payload.imageShape !== null;
    const input = picture ? "digit" : "sample";
    return [
        {
            change: { view: "draw" },
            at: "#draw-input",
            title: picture ? "Draw a digit" : "Change a feature",
            text: picture
                ? "Draw a 3 with the mouse or a finger, or pick a digit further down. The network reads it with every stroke."
                : "Move a slider, or pick a sample further down. The network reads it with every change.",
        },
        {
            change: { view: "draw" },
            at: ".overview",
            title: "The answer, and how it came about",
            text: `Your ${input} turns some hidden units on. Each of them speaks for some classes and against others, and the loudest class wins. Choose another class to see who spoke for it.`,
        },
        {
            change: { view: "draw" },
            at: ".evidence",
            title: picture ? "Which pixels spoke for it?" : "Which features spoke for it?",
            text: "Orange means positive, blue negative, here and everywhere: the same colour always stands for the same number.",
        },
        {
            change: { view: "pass", step: 1, entry: { name: "Z1", row: 0, col: 0 } },
            at: ".stage",
            title: "A matrix product is a lot of sums",
            text: "This is formula F1 with its real numbers. One entry of Z1 is chosen: a row of W1 times a column of X transposed. Point at other entries; the sum behind each one is written out beside it.",
        },
        {
            change: { view: "pass", step: 5, entry: { name: "C", row: 0, col: 0 } },
            at: ".stage",
            title: "One number says how wrong it was",
            text: "The cost is small where the true class got a large probability. Everything from here on asks: how would the cost change if this number changed a little? Such a slope is all that a gradient is.",
        },
        {
            change: { view: "pass", step: 6, entry: null },
            at: ".stage",
            title: "The way back begins",
            text: "What was predicted, less what was true: that is the slope in the logits. From here the slopes flow back, through the same weights, the other way.",
        },
        {
            change: { view: "mask" },
            at: ".mask-table",
            title: "Where the gradient stops",
            text: "A unit that was off had no say, so it gets no blame: its slope is exactly 0.",
        },
        {
            change: { view: "pass", step: 7, m: 8, sums: true, added: 3, entry: null },
            at: ".outer",
            title: "A batch is a sum",
            text: "With eight samples the gradient is eight small matrices, one a sample, added up. Press “Add them up”: in the end it equals the matrix product.",
            needsBatch: true,
        },
        {
            change: { view: "descend", sums: false },
            at: ".descend .card",
            title: "Now go downhill",
            text: "Take a step: every weight moves a little against its slope, and the cost falls. Start from fresh values and press Run to watch the rows of W1 take shape.",
        },
        {
            change: { view: "break", mistakes: ["wrong-sign"] },
            at: "#check",
            title: "Trust, but check",
            text: "A sign is turned around on purpose, and the gradient check has gone red. Take the mistake out again: the switch is on this page.",
        },
        {
            change: { view: "confusion", mistakes: [], m: 1 },
            at: ".confusion-view .card",
            title: "What does it still get wrong?",
            text: "Open a cell, choose a sample, and walk through its pass: you can now read from the numbers why it was taken for something else.",
        },
    ].filter((stop) => !stop.needsBatch || payload.samples.count >= 8);
}

/**
 * @param {Page} page
 * @returns {Part & {place: (state: State) => void}}
 */
export function createTour({ store, payload }) {
    const stops = stopsFor(payload);
    const heading = element("h2", { tabindex: "-1" });
    const text = element("p");
    const count = element("span.note");
    const back = element("button.quiet", { text: "Back", onclick: () => go((store.get().tour ?? 0) - 1) });
    const next = element("button.primary", { onclick: () => go((store.get().tour ?? 0) + 1) });
    const end = element("button.quiet", { text: "End the tour", onclick: () => close() });
    const node = element(
        "section.tour",
        { hidden: true, "aria-label": "Guided tour", onkeydown: (event) => byKey(event) },
        heading,
        text,
        element("div.row", {}, count, back, next, end),
    );
    /** @type {Element | null} */
    let pointedAt = null;
    let arrived = false; // whether the stop has been scrolled to

    /** @param {number} stop */
    function go(stop) {
        store.set({ tour: stop >= stops.length ? null : Math.max(0, stop) });
        if (stop >= stops.length) {
            elementById("content").focus();
        }
    }

    function close() {
        go(stops.length);
    }

    /** @param {KeyboardEvent} event */
    function byKey(event) {
        if (event.key === "Escape") {
            close();
        }
    }

    return {
        node,
        render(state, changed) {
            if (!changed.has("tour")) {
                return;
            }
            node.hidden = state.tour === null;
            document.documentElement.classList.toggle("touring", state.tour !== null);
            if (state.tour === null) {
                return;
            }
            const stop = stops[state.tour];
            setText(heading, stop.title);
            setText(text, stop.text);
            setText(count, `Stop ${state.tour + 1} of ${stops.length}`);
            setText(next, state.tour === stops.length - 1 ? "Done" : "Next");
            back.disabled = state.tour === 0;
            store.set({ hover: null, ...stop.change });
            arrived = false;
            heading.focus({ preventScroll: true });
        },
        /** Points at what the stop speaks of, once its view stands. */
        place({ tour, view }) {
            const stop = tour === null ? null : stops[tour];
            const target =
                stop !== null && view === stop.change.view ? document.querySelector(stop.at) : null;
            if (target !== pointedAt) {
                pointedAt?.classList.remove("pointed-at");
                target?.classList.add("pointed-at");
                pointedAt = target;
            }
            if (target !== null && !arrived) {
                arrived = true;
                target.scrollIntoView({ block: "start", behavior: prefersStillness() ? "auto" : "smooth" });
            }
        },
    };
}
