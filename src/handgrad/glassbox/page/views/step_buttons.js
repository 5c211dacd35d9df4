/**
 * The twelve steps as a row of buttons, with back, play and next.
 *
 * @import { State } from "../state/state.js"
 * @import { Store } from "../state/store.js"
 */
import { STEPS } from "../math/trace.js";
import { element, setText } from "../drawing/elements.js";

const PAUSE = 3000; // ms on each step while playing
/** @type {[name: string, first: number, last: number][]} */
const GROUPS = [
    ["Given", 0, 0],
    ["Forward", 1, 4],
    ["Cost", 5, 5],
    ["Backward", 6, 10],
    ["Step", 11, 11],
];

/**
 * @param {Store<State>} store
 */
export function createStepButtons(store) {
    const buttons = STEPS.map((step) =>
        element("button.step", {
            text: step.ids.join(" "),
            title: step.title,
            "aria-label": `${step.ids.join(" ")}, step ${step.index + 1} of 12: ${step.title}`,
            onclick: () => go(step.index),
        }),
    );
    const groups = GROUPS.map(([name, first, last]) =>
        element(
            "li.step-group",
            {},
            element("span.step-group-name", { text: name }),
            element("span.step-buttons", {}, ...buttons.slice(first, last + 1)),
        ),
    );
    const node = element("ol.step-list", { "aria-label": "The steps of the pass" }, ...groups);
    const back = element("button.tool", { text: "← Back", onclick: () => move(-1) });
    const play = element("button.tool", { text: "Play", onclick: () => (timer === undefined ? start() : stop()) });
    const next = element("button.primary", { text: "Next →", onclick: () => move(1) });
    const controls = element(
        "div.row.step-controls",
        {
            role: "group",
            "aria-label": "Go through the steps; you can also use the left and right arrow keys",
        },
        back,
        play,
        next,
    );
    /** @type {ReturnType<typeof setInterval> | undefined} */
    let timer;

    /** @param {number} step */
    function go(step) {
        store.set({ step, entry: null, hover: null });
    }

    /** @param {number} by */
    function move(by) {
        stop();
        moveWhilePlaying(by);
    }

    /** @param {number} by */
    function moveWhilePlaying(by) {
        go(Math.min(STEPS.length - 1, Math.max(0, store.get().step + by)));
    }

    function start() {
        if (store.get().step === STEPS.length - 1) {
            go(0);
        }
        timer = setInterval(() => {
            moveWhilePlaying(1);
            if (store.get().step === STEPS.length - 1) {
                stop();
            }
        }, PAUSE);
        setText(play, "Pause");
    }

    function stop() {
        clearInterval(timer);
        timer = undefined;
        setText(play, "Play");
    }

    return {
        node,
        controls,
        stop,
        move,
        /** @param {State} state */
        render({ step }) {
            buttons.forEach((button, n) => {
                if (n === step) {
                    button.setAttribute("aria-current", "step");
                } else {
                    button.removeAttribute("aria-current");
                }
            });
            if (node.scrollWidth > node.clientWidth) {
                const button = buttons[step];
                node.scrollLeft = button.offsetLeft - (node.clientWidth - button.offsetWidth) / 2;
            }
            back.disabled = step === 0;
            next.disabled = step === STEPS.length - 1;
        },
    };
}
