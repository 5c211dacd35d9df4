/**
 * Samples to choose from: all, one class, or those that the network gets wrong, largest loss first.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Page, Part } from "../main.js"
 * @import { Evaluation } from "../state/derived.js"
 * @import { State } from "../state/state.js"
 */
import { element } from "../drawing/elements.js";
import { embedded } from "../state/samples.js";
import { createThumbnails } from "./thumbnails.js";
import { createRemotePick } from "./remote_pick.js";

const READS = ["network", "running", "picking", "sample", "theme", "contrast", "live"];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createPick(page) {
    const { store, payload, derived, actions } = page;
    const thumbnails = createThumbnails(page, (index) => actions.open(embedded(index)));
    /** @type {[State["picking"], string][]} */
    const choices = [["all", "All"]];
    if (payload.samples.hasLabels) {
        choices.push(["wrong", "What it gets wrong"], ["hardest", "Largest loss first"]);
        payload.classNames.forEach((name, k) => choices.push([k, name]));
    }
    const chips = choices.map(([picking, text]) =>
        element("button.chip", { text, onclick: () => store.set({ picking }) }),
    );
    const remote = payload.live ? createRemotePick(page) : null;
    const noun = payload.imageShape === null ? "a sample" : "a digit";
    const node = element(
        "section.card.pick",
        { id: "pick" },
        element("h2", { text: `Or choose ${noun}` }),
        element("div.chips", { role: "group", "aria-label": "Which samples" }, ...chips),
        thumbnails.node,
        remote?.node,
    );

    node.hidden = payload.samples.count === 0 && !payload.live;
    return {
        node,
        render(state, changed) {
            remote?.render(state, changed);
            const due = READS.some((key) => changed.has(key));
            // While the network learns, its pictures would be redrawn 30 times a second.
            if (!due || (state.running && !changed.has("picking") && !changed.has("sample"))) {
                return;
            }
            choices.forEach(([picking], n) =>
                chips[n].setAttribute("aria-pressed", String(picking === state.picking)),
            );
            const evaluation = derived.evaluation(state.network);
            const chosen = state.sample.kind === "embedded" ? state.sample.index : null;
            thumbnails.show(pickedIndices(state.picking, payload, evaluation), evaluation, chosen);
        },
    };
}

/**
 * @param {State["picking"]} picking
 * @param {Payload} payload
 * @param {Evaluation} evaluation
 * @returns {number[]} places among the embedded samples
 */
export function pickedIndices(picking, { samples, order }, { predictions, results }) {
    const all = Array.from({ length: samples.count }, (_, place) => order.at(place));
    const losses = results?.losses;
    /** @type {(one: number, other: number) => number} */
    const byCost = (one, other) => (losses ? losses[other] - losses[one] : 0);
    if (picking === "wrong") {
        return all.filter((i) => predictions[i] !== samples.label(i)).sort(byCost);
    }
    if (picking === "hardest") {
        return all.sort(byCost);
    }
    return picking === "all" ? all : all.filter((i) => samples.label(i) === picking);
}
