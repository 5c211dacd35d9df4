/**
 * The names of the views, as buttons.
 *
 * @import { Render } from "../main.js"
 * @import { State } from "../state/state.js"
 * @import { Store } from "../state/store.js"
 */
import { element } from "../drawing/elements.js";
import { VIEWS } from "../state/fragment.js";

/** @type {Record<string, string>} */
export const TITLES = {
    draw: "Draw",
    pass: "The pass",
    mask: "The mask",
    labels: "Labels",
    descend: "Descend",
    break: "Break it",
    confusion: "Confusions",
};

/**
 * @param {Store<State>} store
 * @returns {{nodes: HTMLElement[], render: Render}}
 */
export function createTabs(store) {
    const nodes = VIEWS.map((view) =>
        element("button.tab", { text: TITLES[view], onclick: () => store.set({ view, hover: null }) }),
    );
    return {
        nodes,
        render(state, changed) {
            if (!changed.has("view")) {
                return;
            }
            VIEWS.forEach((view, n) => {
                const tab = nodes[n];
                const strip = tab.parentElement;
                if (view !== state.view) {
                    tab.removeAttribute("aria-current");
                } else {
                    tab.setAttribute("aria-current", "page");
                    strip?.scrollTo({ left: tab.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2 });
                }
            });
        },
    };
}
