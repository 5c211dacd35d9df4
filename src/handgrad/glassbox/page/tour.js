/**
 * A short tour for learners: each stop shows one thing and says what to do.
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
                ? "Draw a 3 with the mouse or a finger, or choose a digit below. The network reads your digit after every stroke."
                : "Move a slider, or choose a sample below. The network reads the sample after every change.",
        },
        {
            change: { view: "draw" },
            at: ".overview",
            title: "The answer, and where it comes from",
            text: `Your ${input} turns some hidden units on. Each of them supports some classes and counts against others. The class with the most support wins. Choose another class to see which units support it.`,
        },
        {
            change: { view: "draw" },
            at: ".evidence",
            title: picture ? "Which pixels support it?" : "Which features support it?",
            text: "Orange is positive and blue is negative, everywhere on this page. The same colour always means the same number.",
        },
        {
            change: { view: "pass", step: 1, entry: { name: "Z1", row: 0, col: 0 } },
            at: ".stage",
            title: "A matrix product is many sums",
            text: "This is formula F1 with its real numbers. One entry of Z1 is chosen: it is a row of W1 times a column of X transposed. Point at other entries. The sum behind each of them appears beside the matrices.",
        },
        {
            change: { view: "pass", step: 5, entry: { name: "C", row: 0, col: 0 } },
            at: ".stage",
            title: "One number says how wrong the network is",
            text: "The cost is small if the true class has a large probability. The next steps ask for each number: how would the cost change if this number changed a little? That is the slope of the cost. A gradient is a matrix of slopes.",
        },
        {
            change: { view: "pass", step: 6, entry: null },
            at: ".stage",
            title: "The backward pass begins",
            text: "The slope of each logit is what the network predicts minus what is true. From here the slopes flow backward through the same weights.",
        },
        {
            change: { view: "mask" },
            at: ".mask-table",
            title: "Where the gradient stops",
            text: "A unit that is off does not affect the cost, so its slope is exactly 0.",
        },
        {
            change: { view: "pass", step: 7, m: 8, sums: true, added: 3, entry: null },
            at: ".outer",
            title: "A batch is a sum",
            text: "With eight samples, the gradient is the sum of eight matrices, one per sample. Press “Add them up”: at the end, the sum equals the matrix product.",
            needsBatch: true,
        },
        {
            change: { view: "descend", sums: false },
            at: ".descend .card",
            title: "Now go downhill",
            text: "Take a step: every weight moves a little against its slope, and the cost falls. Then press “New initial values” and “Run”, and watch the rows of W1 take shape.",
        },
        {
            change: { view: "break", mistakes: ["wrong-sign"] },
            at: "#check",
            title: "Check the gradient",
            text: "The tour has just planted a mistake: a wrong sign. The gradient check is red now. Remove the mistake with its switch on this page.",
        },
        {
            change: { view: "confusion", mistakes: [], m: 1 },
            at: ".confusion-view .card",
            title: "What does the network still get wrong?",
            text: "Choose a cell, then a sample, and go through its pass. The numbers show you why the network takes it for another class.",
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
