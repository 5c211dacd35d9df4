/**
 * A curve over the iterations on a canvas, with axes.
 *
 * @typedef {[number, number][]} Line pairs of iteration and value
 * @typedef {{first: number, last: number, low: number, high: number}} Range
 * @typedef {ReturnType<typeof placing>} Placing
 */
import { contextOf, element, setAttribute } from "./elements.js";
import { formatCount, formatNumber, formatPercent } from "./numbers.js";

const MARGIN = { left: 52, right: 14, top: 12, bottom: 26 };
const HEIGHT = 180;

/**
 * @param {string} title
 * @param {{percent?: boolean, colours?: string[], names?: string[]}} [options] CSS variables, one
 *   a line
 * @returns {{node: HTMLElement, show: (lines: Line[]) => void}}
 *   a value that is not a number interrupts its line
 */
export function createCurve(title, { percent = false, colours = ["--accent"], names = [] } = {}) {
    const canvas = element("canvas", { role: "img", "aria-label": describe(title, [], formatNumber) });
    const heading = element("h3.curve-title", { text: title });
    const keys = names.map((name, n) => {
        const swatch = element("span.swatch");
        swatch.style.background = `var(${colours[n]})`;
        return element("span.key", {}, swatch, name);
    });
    const node = element("div.curve", {}, element("div.curve-head", {}, heading, ...keys), canvas);
    /** @type {(value: number) => string} */
    const format = (value) => (percent ? `${formatNumber(value * 100)} %` : formatNumber(value));

    return {
        node,
        show(lines) {
            const width = Math.max(160, node.clientWidth);
            const ratio = Math.min(3, window.devicePixelRatio || 1);
            if (canvas.width !== Math.round(width * ratio) || canvas.height !== HEIGHT * ratio) {
                canvas.width = Math.round(width * ratio);
                canvas.height = HEIGHT * ratio;
                canvas.style.height = `${HEIGHT}px`;
            }
            const context = contextOf(canvas);
            context.setTransform(ratio, 0, 0, ratio, 0, 0);
            context.clearRect(0, 0, width, HEIGHT);
            const points = lines.flat().filter(([, value]) => Number.isFinite(value));
            const style = getComputedStyle(node);
            const range = rangeOf(points, percent);
            const place = placing(range, width);
            drawAxes(context, range, place, width, format, style);
            lines.forEach((line, n) =>
                drawLine(context, line, place, style.getPropertyValue(colours[n]), width),
            );
            setAttribute(
                canvas,
                "aria-label",
                describe(title, lines[0], percent ? formatPercent : formatNumber),
            );
        },
    };
}

/**
 * @param {Line} points
 * @param {boolean} percent
 * @returns {Range}
 */
function rangeOf(points, percent) {
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const range = {
        first: xs.length ? Math.min(...xs) : 0,
        last: xs.length ? Math.max(...xs) : 10,
        low: percent && ys.length ? Math.max(0, Math.floor(Math.min(...ys) * 10) / 10) : 0,
        high: percent ? 1 : Math.max(0.1, ...ys) * 1.05,
    };
    range.last = Math.max(range.last, range.first + 10);
    if (percent && range.low > 0.9) {
        range.low = 0.9;
    }
    return range;
}

/**
 * @param {Range} range
 * @param {number} width
 */
function placing({ first, last, low, high }, width) {
    const across = width - MARGIN.left - MARGIN.right;
    const down = HEIGHT - MARGIN.top - MARGIN.bottom;
    return {
        /** @param {number} iteration */
        x: (iteration) => MARGIN.left + ((iteration - first) / (last - first)) * across,
        /** @param {number} value */
        y: (value) => MARGIN.top + (1 - (value - low) / (high - low)) * down,
    };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Range} range
 * @param {Placing} place
 * @param {number} width
 * @param {(value: number) => string} format
 * @param {CSSStyleDeclaration} style
 */
function drawAxes(context, range, place, width, format, style) {
    context.font = `12px ${style.fontFamily}`;
    context.fillStyle = style.getPropertyValue("--muted");
    context.strokeStyle = style.getPropertyValue("--line");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const value of niceValues(range.low, range.high, 3)) {
        const y = Math.round(place.y(value)) + 0.5;
        context.beginPath();
        context.moveTo(MARGIN.left, y);
        context.lineTo(width - MARGIN.right, y);
        context.stroke();
        context.fillText(format(value), MARGIN.left - 8, y);
    }
    context.textBaseline = "alphabetic";
    for (const iteration of [range.first, range.last]) {
        context.textAlign = iteration === range.first ? "left" : "right";
        context.fillText(formatCount(Math.round(iteration)), place.x(iteration), HEIGHT - 8);
    }
    context.textAlign = "center";
    context.fillText("steps", (MARGIN.left + width - MARGIN.right) / 2, HEIGHT - 8);
}

/**
 * Round values between two, about `count` of them.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
function niceValues(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const stride = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999) ?? rough;
    const values = [];
    for (let n = Math.ceil(low / stride - 1e-9); n * stride <= high * (1 + 1e-9); n++) {
        values.push(n * stride);
    }
    return values;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Line} line
 * @param {Placing} place
 * @param {string} colour
 * @param {number} width
 */
function drawLine(context, line, place, colour, width) {
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.beginPath();
    let drawing = false;
    const stride = Math.max(1, Math.floor(line.length / (2 * width)));
    line.forEach(([iteration, value], n) => {
        if (n % stride !== 0 && n !== line.length - 1) {
            return;
        }
        if (!Number.isFinite(value)) {
            drawing = false;
        } else if (drawing) {
            context.lineTo(place.x(iteration), place.y(value));
        } else {
            context.moveTo(place.x(iteration), place.y(value));
            drawing = true;
        }
    });
    context.stroke();
    const last = line.findLast(([, value]) => Number.isFinite(value));
    if (last !== undefined) {
        context.beginPath();
        context.arc(place.x(last[0]), place.y(last[1]), 4, 0, 2 * Math.PI);
        context.fill();
    }
}

/**
 * @param {string} title
 * @param {Line} line
 * @param {(value: number) => string} format
 */
function describe(title, line, format) {
    if (line.length === 0) {
        return `${title}: nothing to show yet`;
    }
    const [first, last] = [line[0], line[line.length - 1]];
    return `${title}: ${format(first[1])} at step ${first[0]}, ${format(last[1])} at step ${last[0]}`;
}
