/**
 * The state in the address's fragment, so that a link opens the same sample at the same step.
 * The network is not part of it: the page carries that itself.
 *
 * @import { ReadPayload } from "../data/payload.js"
 * @import { Entry } from "../math/trace.js"
 * @import { Sample } from "./samples.js"
 * @import { State } from "./state.js"
 */
import { MISTAKES } from "../math/mistakes.js";
import { firstSample, LARGEST_BATCH, largestBatch } from "./samples.js";
import { pack, unpack } from "./packing.js";

export const VIEWS = ["draw", "pass", "mask", "labels", "descend", "break", "confusion"];

/** The keys of the state that a link holds. */
export const LINKED = ["view", "step", "sample", "meant", "m", "entry", "sums", "mistakes", "learningRate"];

const ENTRY = /^([A-Za-z]\w{0,9}(?: after)?)\.(\d{1,6})\.(\d{1,6})$/;

/**
 * @param {State} state
 * @param {ReadPayload} payload
 * @returns {string} without the leading #
 */
export function fragmentOf(state, payload) {
    const parts = new URLSearchParams({ view: state.view });
    writeSample(parts, state.sample, payload);
    if (state.meant !== null) {
        parts.set("meant", String(state.meant));
    }
    if (state.step > 0) {
        parts.set("step", String(state.step));
    }
    if (state.m > 1) {
        parts.set("m", String(state.m));
    }
    if (state.entry !== null) {
        parts.set("entry", `${state.entry.name}.${state.entry.row}.${state.entry.col}`);
    }
    if (state.sums) {
        parts.set("sums", "1");
    }
    if (state.mistakes.length > 0) {
        parts.set("mistakes", state.mistakes.join("."));
    }
    if (state.learningRate !== payload.learningRate) {
        parts.set("rate", String(state.learningRate));
    }
    return parts.toString();
}

/**
 * @param {string} fragment without the leading #
 * @param {ReadPayload} payload
 * @returns {Partial<State>} the part of the state that the fragment describes; what it describes
 *   wrongly is left out
 */
export function stateFrom(fragment, payload) {
    const parts = new URLSearchParams(fragment);
    const view = parts.get("view") ?? "";
    if (!VIEWS.includes(view)) {
        return {};
    }
    const sample = readSample(parts, payload);
    const largest = largestBatch(sample ?? firstSample(payload), payload);
    return {
        view,
        step: wholeNumber(parts.get("step"), 0, 11) ?? 0,
        meant: wholeNumber(parts.get("meant"), 0, payload.K - 1),
        entry: readEntry(parts.get("entry")),
        sums: parts.get("sums") === "1",
        mistakes: MISTAKES.map(({ id }) => id).filter((id) =>
            (parts.get("mistakes") ?? "").split(".").includes(id),
        ),
        learningRate: readRate(parts.get("rate")) ?? payload.learningRate,
        m: Math.min(largest, wholeNumber(parts.get("m"), 1, LARGEST_BATCH) ?? 1),
        ...(sample === null ? {} : { sample }),
    };
}

/**
 * The sample of the server's data set that a link names; null for any other sample.
 *
 * @param {string} fragment
 * @returns {{part: "train" | "test", index: number} | null}
 */
export function remoteWanted(fragment) {
    const [part, index, ...rest] = (new URLSearchParams(fragment).get("remote") ?? "").split(".");
    const place = wholeNumber(index ?? null, 0, 1e9);
    const isPart = part === "train" || part === "test";
    return isPart && place !== null && rest.length === 0 ? { part, index: place } : null;
}

/**
 * @param {URLSearchParams} parts
 * @param {Sample} sample
 * @param {ReadPayload} payload
 */
function writeSample(parts, sample, payload) {
    if (sample.kind === "embedded") {
        parts.set("sample", String(sample.index));
    } else if (sample.kind === "remote") {
        parts.set("remote", `${sample.part}.${sample.index}`);
    } else if (sample.kind === "drawn") {
        parts.set("drawn", pack(sample.values));
    } else {
        const base = sample.index === null ? null : payload.samples.row(sample.index);
        /** @type {string[]} */
        const changes = [];
        sample.values.forEach((value, j) => {
            if (value !== (base === null ? 0 : base[j])) {
                changes.push(`${j}:${value}`);
            }
        });
        parts.set("edited", [sample.index ?? "", ...changes].join("_"));
    }
}

/**
 * @param {URLSearchParams} parts
 * @param {ReadPayload} payload
 * @returns {Sample | null}
 */
function readSample(parts, payload) {
    const index = wholeNumber(parts.get("sample"), 0, payload.samples.count - 1);
    if (index !== null) {
        return { kind: "embedded", index };
    }
    const [drawn, edited] = [parts.get("drawn"), parts.get("edited")];
    if (drawn !== null && payload.imageShape !== null) {
        const values = unpack(drawn, payload.D);
        return values && { kind: "drawn", values };
    }
    return edited === null ? null : readEdited(edited, payload);
}

/**
 * @param {string} text
 * @param {ReadPayload} payload
 * @returns {Sample | null}
 */
function readEdited(text, payload) {
    const [base, ...changes] = text.split("_");
    const index = base === "" ? null : wholeNumber(base, 0, payload.samples.count - 1);
    if (base !== "" && index === null) {
        return null;
    }
    const values = index === null ? new Float64Array(payload.D) : payload.samples.row(index).slice();
    for (const change of changes) {
        const [j, value] = change.split(":").map(Number);
        if (!(Number.isInteger(j) && j >= 0 && j < payload.D && Number.isFinite(value))) {
            return null;
        }
        values[j] = value;
    }
    return { kind: "edited", index, values };
}

/**
 * @param {string | null} text
 * @returns {Entry | null}
 */
function readEntry(text) {
    const found = ENTRY.exec(text ?? "");
    return found && { name: found[1], row: Number(found[2]), col: Number(found[3]) };
}

/** @param {string | null} text */
function readRate(text) {
    const rate = text === null ? NaN : Number(text);
    return rate > 0 && rate <= 1000 ? rate : null;
}

/**
 * @param {string | null} text
 * @param {number} smallest
 * @param {number} largest
 */
function wholeNumber(text, smallest, largest) {
    if (text === null || !/^\d{1,9}$/.test(text)) {
        return null;
    }
    const value = Number(text);
    return value >= smallest && value <= largest ? value : null;
}
