/**
 * Samples of the whole data set, fetched from the program that serves the page.
 *
 * @import { Samples } from "../data/payload.js"
 * @import { Page, Part } from "../main.js"
 * @import { LiveSamples, SamplesChoice } from "../run/live_line.js"
 * @import { RemoteSample } from "../state/samples.js"
 */
import { element, setText } from "../drawing/elements.js";
import { formatCount } from "../drawing/numbers.js";
import { createPicture } from "../drawing/picture.js";

const COUNT = 24;

/**
 * @param {Page} page
 * @returns {Part}
 */
export function createRemotePick({ payload, palette, actions, line }) {
    const part = element(
        "select",
        { onchange: () => fetchFrom(0) },
        element("option", { value: "test", text: "test samples" }),
        element("option", { value: "train", text: "training samples" }),
    );
    const label = element(
        "select",
        { onchange: () => fetchFrom(0) },
        element("option", { value: "", text: "any class" }),
        ...payload.classNames.map((text, k) => element("option", { value: k, text })),
    );
    const place = element("p.note", { role: "status" });
    const grid = element("ul.thumbnails");
    const back = element("button.quiet", {
        text: "Earlier",
        onclick: () => fetchFrom(Math.max(0, first - COUNT)),
    });
    const onward = element("button.quiet", { text: "Later", onclick: () => fetchFrom(first + COUNT) });
    const body = element("div", { hidden: true }, place, grid, element("div.row", {}, back, onward));
    const open = element("button.quiet", { text: "Browse the whole data set", onclick: () => fetchFrom(0) });
    const node = element(
        "div.remote",
        {},
        element("h3", { text: "From the whole data set" }),
        element(
            "div.row",
            {},
            open,
            element("label.field", {}, element("span", { text: "From" }), part),
            element("label.field", {}, element("span", { text: "Class" }), label),
        ),
        body,
    );
    let first = 0;

    /** @param {number} start */
    async function fetchFrom(start) {
        /** @type {SamplesChoice} */
        const choice = {
            part: part.value === "train" ? "train" : "test",
            first: start,
            count: COUNT,
            label: label.value === "" ? null : Number(label.value),
        };
        body.hidden = false;
        try {
            const answer = await line().samples(choice);
            first = answer.first;
            show(answer, choice);
        } catch (error) {
            setText(place, error instanceof Error ? error.message : String(error));
        }
    }

    /**
     * @param {LiveSamples} answer
     * @param {SamplesChoice} choice
     */
    function show({ total, samples }, choice) {
        const last = first + samples.count;
        setText(
            place,
            samples.count === 0
                ? "There are none."
                : `${formatCount(first)} to ${formatCount(last - 1)} of ${formatCount(total)}`,
        );
        back.disabled = first === 0;
        onward.disabled = last >= total;
        grid.replaceChildren(
            ...Array.from({ length: samples.count }, (_, i) => {
                const picture = createPicture(payload.imageShape, { classes: "thumbnail-picture" });
                const name = `${choice.part === "test" ? "Test" : "Training"} sample ${samples.name(i)}`;
                picture.show(samples.row(i), palette(), name);
                const label = samples.label(i);
                const truth = label === null ? "" : payload.classNames[label];
                const choose = () => actions.open(remoteSample(choice.part, samples, i));
                return element(
                    "li",
                    {},
                    element(
                        "button.thumbnail",
                        { "aria-label": `${name}, ${truth}`, onclick: choose },
                        picture.node,
                        element("span.thumbnail-says", { text: truth }),
                    ),
                );
            }),
        );
    }

    return { node, render() {} };
}

/**
 * @param {"train" | "test"} part
 * @param {Samples} samples
 * @param {number} i
 * @returns {RemoteSample} its name is its place in the part
 */
export function remoteSample(part, samples, i) {
    const name = samples.name(i);
    return {
        kind: "remote",
        part,
        index: Number(name),
        values: samples.row(i),
        label: samples.label(i),
        name,
    };
}
