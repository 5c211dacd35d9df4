/**
 * The first view: draw or choose a sample, and see how the network reads it.
 *
 * @import { Page, Part, View } from "../main.js"
 */
import { element } from "../drawing/elements.js";
import { createPicture } from "../drawing/picture.js";
import { valuesOf } from "../state/samples.js";
import { createEvidence } from "./evidence.js";
import { createFeatures } from "./features.js";
import { createOverview } from "./overview.js";
import { createPad } from "./pad.js";
import { createPick } from "./pick.js";

/** @type {[text: string, label: string, down: number, right: number, key: string][]} */
const NUDGES = [
    ["↑", "Move up", -1, 0, "ArrowUp"],
    ["←", "Move left", 0, -1, "ArrowLeft"],
    ["→", "Move right", 0, 1, "ArrowRight"],
    ["↓", "Move down", 1, 0, "ArrowDown"],
];

/**
 * @param {Page} page
 * @returns {View}
 */
export function createDrawView(page) {
    const { payload, actions } = page;
    const isPicture = payload.imageShape !== null;
    const input = payload.imageShape === null ? createFeatures(page) : createDrawing(page, payload.imageShape);
    const overview = createOverview(page);
    const evidence = createEvidence(page);
    const pick = createPick(page);
    const heading = isPicture
        ? "Draw a digit, and see how the network reads it"
        : "Change a feature, and see how the network reads the sample";
    const onward = element(
        "div.onward",
        {},
        element("p", {
            text: "This is the whole forward pass. Every number in it is a sum that you can look at.",
        }),
        element("button.primary", {
            text: "Go through it step by step",
            onclick: () => actions.inspect(1, null),
        }),
        element("button.quiet", {
            text: "What would the next step change?",
            onclick: () => actions.inspect(11, null),
        }),
    );
    const parts = [input, overview, evidence, pick];
    const node = element(
        "div.view.draw",
        {},
        element("h1", { text: heading }),
        element(
            "div.card.glance",
            {},
            element(
                "section.draw-input",
                { id: "draw-input" },
                element("h2", { text: isPicture ? "Your digit" : "Features" }),
                input.node,
            ),
            element("div.overview-side", {}, overview.node, onward),
        ),
        element("div.columns", {}, evidence.node, pick.node),
    );
    return {
        node,
        render(state, changed) {
            parts.forEach((part) => part.render(state, changed));
        },
    };
}

/**
 * The pad, its tools, and the picture that the network sees, which can be nudged.
 *
 * @param {Page} page
 * @param {[number, number]} imageShape
 * @returns {Part}
 */
function createDrawing({ store, payload, palette }, imageShape) {
    /** @type {Float64Array | null} the last picture from here, which need not be loaded again */
    let drawn = null;
    const use = (/** @type {Float64Array} */ values) => {
        drawn = values;
        store.set({
            sample: { kind: "drawn", values },
            meant: store.get().sample.kind === "drawn" ? store.get().meant : null,
            about: null,
            entry: null,
        });
    };
    const pad = createPad(imageShape, use);
    /** @type {("pen" | "eraser")[]} */
    const kinds = ["pen", "eraser"];
    const tools = kinds.map((tool) =>
        element("button.tool", {
            text: tool === "pen" ? "Pen" : "Eraser",
            "aria-pressed": String(tool === "pen"),
            onclick: () => choose(tool),
        }),
    );
    const clear = element("button.tool", { text: "Clear", onclick: () => pad.clear() });
    const sees = createPicture(imageShape, { classes: "sees-picture" });
    const buttons = NUDGES.map(([text, label, down, right, key]) =>
        element(`button.icon.nudge.${key}`, { text, "aria-label": label, onclick: () => nudge(down, right) }),
    );
    const nudging = element(
        "div.nudging",
        {
            role: "group",
            "aria-label": "Move the picture by one pixel; you can also use the arrow keys",
            onkeydown: (event) => nudgeByKey(event),
        },
        ...buttons,
        sees.node,
    );
    const node = element(
        "div.drawing",
        {},
        element(
            "div.drawing-pad",
            {},
            pad.node,
            element("div.row", { role: "group", "aria-label": "Tools" }, ...tools, clear),
        ),
        element(
            "div.sees",
            {},
            element("h3", { text: "What the network sees" }),
            nudging,
            element("p.note", {
                text: `${imageShape.join("×")} pixels, scaled and centred like MNIST’s digits. Move the picture by one pixel: does the prediction change?`,
            }),
        ),
    );

    /** @param {"pen" | "eraser"} tool */
    function choose(tool) {
        pad.setTool(tool);
        tools.forEach((button, n) =>
            button.setAttribute("aria-pressed", String((n === 0) === (tool === "pen"))),
        );
    }

    /**
     * @param {number} down
     * @param {number} right
     */
    function nudge(down, right) {
        const values = shifted(valuesOf(store.get().sample, payload), imageShape, down, right);
        use(values);
        pad.load(values);
    }

    /** @param {KeyboardEvent} event */
    function nudgeByKey(event) {
        const found = NUDGES.find(([, , , , key]) => key === event.key);
        if (found && !event.altKey && !event.ctrlKey && !event.metaKey) {
            event.preventDefault();
            event.stopPropagation();
            nudge(found[2], found[3]);
        }
    }

    return {
        node,
        render(state, changed) {
            if (changed.has("theme") || changed.has("contrast")) {
                pad.setPalette(palette());
            }
            if (changed.has("sample") || changed.has("theme") || changed.has("contrast")) {
                const values = valuesOf(state.sample, payload);
                sees.show(values, palette(), "What the network sees");
                if (values !== drawn) {
                    drawn = values;
                    pad.load(values);
                }
            }
        },
    };
}

/**
 * The picture moved by whole pixels; what leaves it is lost.
 *
 * @param {Float64Array} values
 * @param {[number, number]} imageShape
 * @param {number} down
 * @param {number} right
 */
function shifted(values, [rows, columns], down, right) {
    const moved = new Float64Array(values.length);
    for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
            const [row, column] = [i - down, j - right];
            if (row >= 0 && row < rows && column >= 0 && column < columns) {
                moved[i * columns + j] = values[row * columns + column];
            }
        }
    }
    return moved;
}
