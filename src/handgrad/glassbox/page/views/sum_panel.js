/**
 * The sum behind an entry, its largest terms first.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Palette } from "../drawing/colours.js"
 * @import { Factor, Sum, Term } from "../math/sum_behind.js"
 * @import { Entry, Trace } from "../math/trace.js"
 */
import { element, numberElement, setText } from "../drawing/elements.js";
import { colourOf } from "../drawing/colours.js";
import { equation } from "../drawing/equation.js";
import { formatNumber, formatSigned } from "../drawing/numbers.js";
import { sumBehind } from "../math/sum_behind.js";
import { featureName } from "./evidence.js";

const SHOWN = 8;
const MORE = 40;
const DIGITS = 4;

/**
 * @param {Payload} payload
 */
export function createSumPanel(payload) {
    const heading = element("h2", { text: "Behind the number" });
    const body = element("div.sum-body");
    const spoken = element("p.unseen", { "aria-live": "polite" });
    const node = element(
        "section.card.sum",
        { "aria-label": "The sum behind the entry" },
        heading,
        body,
        spoken,
    );
    let limit = SHOWN;
    /** @type {string | null} */
    let shown = null;

    /**
     * @param {Trace} trace
     * @param {Entry | null} entry
     * @param {Palette} palette
     */
    function show(trace, entry, palette) {
        const key = entry && `${entry.name}.${entry.row}.${entry.col}`;
        if (key !== shown) {
            limit = SHOWN;
            shown = key;
        }
        if (entry === null) {
            body.replaceChildren(invitation());
            return;
        }
        const sum = sumOf(trace, entry);
        const largest = Math.max(
            ...sum.terms.map(({ value }) => Math.abs(value)).filter(Number.isFinite),
            1e-300,
        );
        const terms = sum.terms.slice(0, limit);
        const rest = sum.terms.slice(limit);
        const softmax = sum.kind === "softmax";
        const before = softmax ? "exp of " : entry.name === "losses" ? "−log of " : "";
        const rows = terms.map((term) => termRow(term, largest, palette, payload, before));
        if (rest.length > 0) {
            rows.push(
                restRow(rest, () => {
                    limit += MORE;
                    show(trace, entry, palette);
                }),
            );
        }
        if (sum.extra) {
            rows.push(
                totalRow(
                    "sum-extra",
                    softmax ? sum.extra.label : `+ ${sum.extra.label}`,
                    sum.extra.value,
                    !softmax,
                ),
            );
        }
        body.replaceChildren(
            element(
                "div.sum-head",
                {},
                element("div.formula", {}, equation(formulaText(sum))),
                numberElement(sum.total, formatNumber(sum.total, DIGITS), "data.sum-value"),
            ),
            meaningOf(sum, entry, trace, payload),
            ...(rows.length > 0
                ? [
                      element(
                          "table.terms",
                          {},
                          element("caption.unseen", { text: "Terms, the largest first" }),
                          element("tbody", {}, ...rows, totalRow("sum-total", "=", sum.total, false)),
                      ),
                  ]
                : []),
        );
        setText(
            spoken,
            `${entry.name}, row ${entry.row}, column ${entry.col}: ${formatNumber(sum.total, DIGITS)}`,
        );
    }

    return { node, show };
}

/**
 * @param {Trace} trace
 * @param {Entry} entry
 * @returns {Sum}
 */
function sumOf(trace, entry) {
    if (entry.name === "mask" || entry.name === "Y") {
        const value =
            entry.name === "Y"
                ? Number(trace.y[entry.col] === entry.row)
                : Number(trace.Z1.data[entry.row * trace.Z1.cols + entry.col] > 0);
        const text =
            entry.name === "Y"
                ? `Y[${entry.row}, ${entry.col}] = ${value}`
                : `(Z1[${entry.row}, ${entry.col}] > 0) = ${value}`;
        return { kind: "given", text, total: value, extra: null, terms: [] };
    }
    return sumBehind(trace, entry.name, entry.row, entry.col);
}

/**
 * The sum's text in letters that an equation can set.
 *
 * @param {Sum} sum
 */
function formulaText({ text }) {
    return text
        .replace(/ − largest/g, " − c")
        .replace(/loss of sample (\d+|i)/g, "ℓ[$1]")
        .replace(" is given", "");
}

function invitation() {
    return element("p.invitation", {
        text: "Point at any square, tap it, or go to it with the Tab and arrow keys. The row and the column that it comes from light up, and the sum behind it appears here.",
    });
}

/**
 * @param {Term} term
 * @param {number} largest
 * @param {Palette} palette
 * @param {Payload} payload
 * @param {string} before
 */
function termRow({ left, right, value }, largest, palette, payload, before) {
    const bar = element("span.term-bar");
    bar.style.transform = `scaleX(${Number.isFinite(value) ? value / largest : 0})`;
    bar.style.background = colourOf(palette, value);
    const feature = [left, right].find((factor) => factor?.name === "X" || factor?.name === "W1");
    const title = feature ? featureName(payload, feature.col) : null;
    return element(
        "tr",
        { title },
        element(
            "td.term-factors",
            {},
            factorNode(left, before),
            right && " · ",
            right && factorNode(right, ""),
        ),
        element("td.term-value", {}, numberElement(value, formatSigned(value, DIGITS))),
        element("td.term-track", { "aria-hidden": "true" }, bar),
    );
}

/**
 * "W1[3, 406]", a little, above its value.
 *
 * @param {Factor} factor
 * @param {string} before
 */
function factorNode({ name, row, col, value }, before) {
    const indexed = /^(?:X|Z1|A1|Z2|A2|d?[WZA][12])$/.test(name)
        ? `[${row}, ${col}]`
        : /^d?b[12]$/.test(name)
          ? `[${row}]`
          : name === "loss"
            ? `[${col}]`
            : "";
    return element(
        "span.factor",
        {},
        element("small", { text: `${before}${name}${indexed}` }),
        numberElement(value, formatNumber(value, DIGITS)),
    );
}

/**
 * @param {Term[]} rest
 * @param {() => void} onMore
 */
function restRow(rest, onMore) {
    const total = rest.reduce((sum, { value }) => sum + value, 0);
    const zeros = rest.filter(({ value }) => value === 0).length;
    const text =
        zeros === rest.length
            ? `${rest.length} terms that are 0`
            : `${rest.length} smaller terms${zeros > 0 ? `, ${zeros} of them 0` : ""}`;
    return element(
        "tr.sum-rest",
        {},
        element(
            "td",
            {},
            element("button.quiet.small", { text, title: "Show more of them", onclick: onMore }),
        ),
        element("td.term-value", {}, numberElement(total, formatSigned(total, DIGITS))),
        element("td"),
    );
}

/**
 * @param {string} kind
 * @param {string} label
 * @param {number} value
 * @param {boolean} signed
 */
function totalRow(kind, label, value, signed) {
    return element(
        `tr.${kind}`,
        {},
        element("td", { text: label }),
        element(
            "td.term-value",
            {},
            numberElement(value, (signed ? formatSigned : formatNumber)(value, DIGITS)),
        ),
        element("td"),
    );
}

/**
 * One sentence on what this number means.
 *
 * @param {Sum} sum
 * @param {Entry} entry
 * @param {Trace} trace
 * @param {Payload} payload
 */
function meaningOf(sum, entry, trace, payload) {
    const { row, col, name } = entry;
    const classes = payload.classNames;
    const value = formatNumber(sum.total);
    /** @type {Record<string, () => string>} */
    const sentences = {
        Z1: () =>
            `Hidden unit ${row}: ${sum.total > 0 ? "above 0, so it will be on" : "not above 0, so it will be off"}.`,
        A1: () => (sum.total > 0 ? `Unit ${row} is on and passes ${value}.` : `Unit ${row} is off.`),
        Z2: () => `How much the network supports “${classes[row]}”.`,
        A2: () => `The probability of “${classes[row]}” for sample ${col}.`,
        losses: () => `The loss of sample ${col}, whose class is “${classes[trace.y[col]]}”.`,
        C: () => "The average of the losses. Training makes this number smaller.",
        dZ2: () => slope(sum.total, `the logit of “${classes[row]}”`),
        dW2: () => slope(sum.total, `the weight from unit ${col} to “${classes[row]}”`),
        db2: () => slope(sum.total, `the bias of “${classes[row]}”`),
        dA1: () => slope(sum.total, `the activation of unit ${row}`),
        dZ1: () =>
            sum.total === 0
                ? `Nothing flows back to unit ${row}.`
                : slope(sum.total, `the sum of unit ${row}`),
        dW1: () =>
            sum.total === 0
                ? "A step does not change this weight."
                : slope(sum.total, `this weight of unit ${row}`),
        db1: () =>
            sum.total === 0
                ? "A step does not change this bias."
                : slope(sum.total, `the bias of unit ${row}`),
    };
    const text =
        sentences[name]?.() ??
        (sum.kind === "given" ? "This number is given, not computed." : "");
    const where =
        name === "dW1" || name === "W1" || name === "X" || name === "W1 after"
            ? `${featureName(payload, col)}. `
            : "";
    return element("p.sum-meaning", { text: where + text });
}

/**
 * @param {number} value
 * @param {string} what
 */
function slope(value, what) {
    if (Number.isNaN(value)) {
        return "Not a number, because an earlier number is not a number.";
    }
    return value > 0
        ? `If ${what} rose, the cost would rise: a step lowers it.`
        : `If ${what} rose, the cost would fall: a step raises it.`;
}
