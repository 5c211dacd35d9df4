/**
 * What the colours mean: the 27 steps with their numbers, and how strong the contrast is.
 *
 * @import { Page, Part } from "../main.js"
 */
import { THRESHOLDS } from "../drawing/colours.js";
import { element, setText } from "../drawing/elements.js";
import { formatNumber } from "../drawing/numbers.js";

const MARKED = [-10, -1, -0.1, -0.01, 0, 0.01, 0.1, 1, 10];
const CONTRASTS = [1, 10, 100];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createLegend({ store, palette }) {
    const steps = THRESHOLDS.length;
    const boxes = Array.from({ length: 2 * steps + 1 }, () => element("span.legend-step"));
    const marks = MARKED.map((value) => {
        const mark = element("span.legend-mark");
        const distance = value === 0 ? 0 : THRESHOLDS.indexOf(Math.abs(value)) + 1;
        mark.style.left = `${((steps + Math.sign(value) * distance + 0.5) / boxes.length) * 100}%`;
        return mark;
    });
    const choice = element(
        "select",
        {
            "aria-label": "Contrast of the colours",
            onchange: (event) => store.set({ contrast: Number(event.target.value) }),
        },
        ...CONTRASTS.map((contrast) =>
            element("option", {
                value: contrast,
                text: contrast === 1 ? "normal" : `small numbers ×${contrast}`,
            }),
        ),
    );
    const node = element(
        "div.legend",
        {},
        element("span.legend-title", { text: "Colours" }),
        element(
            "div.legend-scale",
            {
                role: "img",
                "aria-label":
                    "Blue is negative, orange is positive; stronger colours are larger numbers. The same colour means the same number everywhere.",
            },
            element("div.legend-steps", {}, ...boxes),
            element("div.legend-marks", {}, ...marks),
        ),
        element("label.legend-contrast", {}, element("span", { text: "Contrast" }), choice),
    );

    return {
        node,
        render(state, changed) {
            if (!changed.has("contrast") && !changed.has("theme")) {
                return;
            }
            const { texts } = palette();
            boxes.forEach((box, n) => {
                box.style.background = texts[n];
            });
            marks.forEach((mark, n) => setText(mark, formatNumber(MARKED[n] / state.contrast, 1)));
            choice.value = String(state.contrast);
        },
    };
}
