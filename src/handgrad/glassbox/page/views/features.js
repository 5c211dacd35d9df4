/**
 * Named features to edit, if a sample is not a picture: a slider and a number for each.
 *
 * @import { Samples } from "../data/payload.js"
 * @import { Palette } from "../drawing/colours.js"
 * @import { Page, Part } from "../main.js"
 */
import { colourOf } from "../drawing/colours.js";
import { element, setText } from "../drawing/elements.js";
import { formatNumber } from "../drawing/numbers.js";
import { valuesOf } from "../state/samples.js";

const SHOWN = 40;
const READS = ["sample", "theme", "contrast"];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createFeatures({ store, payload, palette }) {
    const names = payload.featureNames ?? Array.from({ length: payload.D }, (_, j) => `Feature ${j}`);
    const ranges = rangesOf(payload.samples, payload.D);
    const list = element("ol.features");
    const search = element("input", {
        type: "search",
        "aria-label": "Find a feature by its name",
        placeholder: "Find a feature",
        oninput: () => choose(),
    });
    const count = element("p.note");
    const node = element("div", {}, payload.D > SHOWN ? search : null, count, list);
    /** @type {ReturnType<typeof createRow>[]} */
    let rows = [];

    function choose() {
        const wanted = search.value.trim().toLowerCase();
        const found = names.map((_, j) => j).filter((j) => names[j].toLowerCase().includes(wanted));
        rows = found.slice(0, SHOWN).map((j) => createRow(j));
        list.replaceChildren(...rows.map((row) => row.node));
        setText(
            count,
            found.length > SHOWN ? `${SHOWN} of ${found.length} features; type to find others.` : "",
        );
        const { sample } = store.get();
        rows.forEach((row) => row.show(valuesOf(sample, payload)[row.j], palette()));
    }

    /**
     * @param {number} j
     * @param {number} value
     */
    function change(j, value) {
        const { sample } = store.get();
        if (!Number.isFinite(value)) {
            return;
        }
        const values = valuesOf(sample, payload).slice();
        values[j] = value;
        const index = sample.kind === "embedded" || sample.kind === "edited" ? sample.index : null;
        store.set({ sample: { kind: "edited", index, values }, about: null });
    }

    /** @param {number} j */
    function createRow(j) {
        const [low, high] = ranges[j];
        const step = (high - low) / 200 || 0.01;
        const slider = element("input", {
            type: "range",
            min: low,
            max: high,
            step,
            "aria-label": names[j],
            oninput: (event) => change(j, Number(event.target.value)),
        });
        const number = element("input", {
            type: "number",
            step: "any",
            "aria-label": `${names[j]} as a number`,
            onchange: (event) => change(j, event.target.valueAsNumber),
        });
        const swatch = element("span.feature-colour", { "aria-hidden": "true" });
        return {
            j,
            node: element(
                "li.feature",
                {},
                element("span.feature-name", { text: names[j], title: names[j] }),
                swatch,
                slider,
                number,
            ),
            /**
             * @param {number} value
             * @param {Palette} colours
             */
            show(value, colours) {
                slider.value = String(value);
                if (document.activeElement !== number) {
                    number.value = String(Number(value.toPrecision(4)));
                }
                number.title = formatNumber(value);
                swatch.style.background = colourOf(colours, value);
            },
        };
    }

    choose();
    return {
        node,
        render(state, changed) {
            if (READS.some((key) => changed.has(key))) {
                const values = valuesOf(state.sample, payload);
                rows.forEach((row) => row.show(values[row.j], palette()));
            }
        },
    };
}

/**
 * The smallest and the largest value of each feature among the embedded samples.
 *
 * @param {Samples} samples
 * @param {number} D
 */
function rangesOf(samples, D) {
    /** @type {[number, number][]} */
    const ranges = Array.from({ length: D }, () => [Infinity, -Infinity]);
    for (let i = 0; i < samples.count; i++) {
        samples.row(i).forEach((value, j) => {
            ranges[j] = [Math.min(ranges[j][0], value), Math.max(ranges[j][1], value)];
        });
    }
    return ranges.map(([low, high]) =>
        low < high
            ? [low, high]
            : [(Number.isFinite(low) ? low : 0) - 1, (Number.isFinite(low) ? low : 0) + 1],
    );
}
