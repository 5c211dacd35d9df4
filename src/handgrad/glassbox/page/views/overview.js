/**
 * The forward pass at a glance: the hidden units that the sample turns on, and the probabilities.
 * The lines show how much each unit supports one class or counts against it.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Palette } from "../drawing/colours.js"
 * @import { Page, Part } from "../main.js"
 * @import { Activations, Network } from "../math/passes.js"
 * @import { Actions } from "../state/actions.js"
 * @import { State } from "../state/state.js"
 * @import { Store } from "../state/store.js"
 */
import { matrix } from "../math/matrix.js";
import { forward } from "../math/passes.js";
import { colourOf } from "../drawing/colours.js";
import { element, setAttribute, setText } from "../drawing/elements.js";
import { formatFixed, formatNumber, formatPercent, formatSigned } from "../drawing/numbers.js";
import { createPicture } from "../drawing/picture.js";
import { valuesOf } from "../state/samples.js";

const SVG = "http://www.w3.org/2000/svg";
const READS = ["sample", "network", "about", "theme", "contrast", "resized"];

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createOverview({ store, payload, palette, actions }) {
    const { H, classNames } = payload;
    const units = Array.from({ length: H }, (_, h) => createUnit(h, payload, actions));
    const classes = classNames.map((name, k) => createClass(name, k, store));
    const lines = Array.from({ length: H }, () => document.createElementNS(SVG, "path"));
    const wires = document.createElementNS(SVG, "svg");
    wires.classList.add("wires");
    wires.setAttribute("aria-hidden", "true");
    wires.append(...lines);
    const unitList = element("ol.units", { "aria-label": "Hidden units" }, ...units.map(({ node }) => node));
    unitList.classList.toggle("many", H > 16);
    const classList = element(
        "ol.classes",
        { "aria-label": "Probabilities of the classes" },
        ...classes.map(({ node }) => node),
    );
    classList.classList.toggle("many", classNames.length > 12);
    const unitsHeading = element("h3", { text: "Hidden units" });
    const classesHeading = element("h3", { text: "Probabilities" });
    const unitsNote = element("p.note");
    const classesNote = element("p.note");
    const node = element(
        "div.overview",
        {},
        element("div.overview-part", {}, unitsHeading, unitsNote, unitList),
        element("div.overview-part", {}, classesHeading, classesNote, classList),
        wires,
    );

    /**
     * @param {State} state
     * @param {Activations} activations
     * @param {number} k
     */
    function drawWires(state, activations, k) {
        const frame = node.getBoundingClientRect();
        const side = unitList.getBoundingClientRect().right < classList.getBoundingClientRect().left;
        wires.toggleAttribute("hidden", !side);
        if (!side) {
            return;
        }
        const target = classes[k].node.getBoundingClientRect();
        const end = [target.left - frame.left - 2, target.top + target.height / 2 - frame.top];
        lines.forEach((line, h) => {
            const says = state.network.W2.data[k * H + h] * activations.A1.data[h];
            const box = units[h].node.getBoundingClientRect();
            const start = [box.right - frame.left, box.top + box.height / 2 - frame.top];
            const bend = (start[0] + end[0]) / 2;
            line.setAttribute(
                "d",
                `M${start[0]} ${start[1]} C${bend} ${start[1]} ${bend} ${end[1]} ${end[0]} ${end[1]}`,
            );
            line.setAttribute("stroke", colourOf(palette(), says));
            const width = says === 0 ? 0 : Math.min(9, 0.6 + 1.6 * Math.sqrt(Math.abs(says)));
            line.setAttribute("stroke-width", String(width));
        });
    }

    return {
        node,
        render(state, changed) {
            if (!READS.some((key) => changed.has(key))) {
                return;
            }
            const values = valuesOf(state.sample, payload);
            const activations = forward(state.network, matrix(1, values.length, values));
            const probabilities = activations.A2.data;
            const best = probabilities.indexOf(Math.max(...probabilities));
            const k = state.about ?? Math.max(0, best);
            const strongest = Math.max(1e-9, ...activations.A1.data);
            const repaint = ["network", "theme", "contrast"].some((key) => changed.has(key));
            units.forEach((unit) =>
                unit.show(state.network, activations, {
                    strongest,
                    repaint,
                    palette: palette(),
                    k,
                    name: classNames[k],
                }),
            );
            classes.forEach((item, c) =>
                item.show(probabilities[c], activations.Z2.data[c], c === best, c === k),
            );
            const on = activations.A1.data.filter((a) => a > 0).length;
            setText(
                unitsNote,
                `${on} of ${H} are on. The picture of a unit shows what it looks for. The bar shows how strongly it found it.`,
            );
            setText(
                classesNote,
                `Orange lines: the unit supports ${classNames[k]}. Blue lines: it counts against ${classNames[k]}. Choose another class to compare.`,
            );
            drawWires(state, activations, k);
        },
    };
}

/**
 * One hidden unit: its row of W1 as a picture, and how strongly it is on.
 *
 * @param {number} h
 * @param {Payload} payload
 * @param {Actions} actions
 */
function createUnit(h, payload, actions) {
    const picture = createPicture(payload.imageShape, { classes: "unit-picture" });
    const bar = element("span.unit-bar");
    const value = element("span.unit-value");
    const button = element(
        "button.unit",
        { onclick: () => actions.inspect(1, { name: "Z1", row: h, col: 0 }) },
        element("span.unit-name", { text: `${h}` }),
        picture.node,
        element("span.unit-track", { "aria-hidden": "true" }, bar),
        value,
    );
    let painted = false;
    return {
        node: element("li", {}, button),
        /**
         * @param {Network} network
         * @param {Activations} activations
         * @param {{strongest: number, repaint: boolean, palette: Palette, k: number, name: string}} how
         */
        show(network, { Z1, A1 }, { strongest, repaint, palette, name, k }) {
            if (repaint || !painted) {
                const { cols, data } = network.W1;
                picture.show(data.subarray(h * cols, (h + 1) * cols), palette, `weights of hidden unit ${h}`);
                painted = true;
            }
            const activation = A1.data[h];
            bar.style.transform = `scaleX(${activation / strongest})`;
            bar.style.background = colourOf(palette, activation);
            const off = !(activation > 0);
            button.classList.toggle("off", off);
            setText(value, off ? "off" : formatNumber(activation));
            const says = network.W2.data[k * network.W2.cols + h] * activation;
            setAttribute(
                button,
                "title",
                off
                    ? `Unit ${h} is off: Z1 is ${formatNumber(Z1.data[h])}, not above 0. It adds nothing.`
                    : `Unit ${h} is on with ${formatNumber(activation)} and adds ${formatSigned(says)} to the logit of ${name}.`,
            );
        },
    };
}

/**
 * One class: its probability as a bar. Choosing it shows what supports it.
 *
 * @param {string} name
 * @param {number} k
 * @param {Store<State>} store
 */
function createClass(name, k, store) {
    const bar = element("span.class-bar");
    const value = element("span.class-value");
    const button = element(
        "button.class",
        { onclick: () => store.set({ about: store.get().about === k ? null : k }) },
        element("span.class-name", { text: name }),
        element("span.class-track", { "aria-hidden": "true" }, bar),
        value,
    );
    return {
        node: element("li", {}, button),
        /**
         * @param {number} probability
         * @param {number} logit
         * @param {boolean} best
         * @param {boolean} chosen
         */
        show(probability, logit, best, chosen) {
            bar.style.transform = `scaleX(${Number.isFinite(probability) ? probability : 0})`;
            setText(value, formatPercent(probability));
            button.classList.toggle("best", best);
            setAttribute(button, "aria-pressed", String(chosen));
            setAttribute(button, "title", `logit ${formatFixed(logit, 2)}`);
        },
    };
}
