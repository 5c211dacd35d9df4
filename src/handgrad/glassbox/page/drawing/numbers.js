/** Numbers for readers: with a real minus sign, and only digits that matter. */

const MINUS = "−";

/**
 * @param {number} value
 * @param {number} [digits] how many significant ones
 * @returns {string}
 */
export function formatNumber(value, digits = 3) {
    if (Number.isNaN(value)) {
        return "not a number";
    }
    if (!Number.isFinite(value)) {
        return value > 0 ? "∞" : `${MINUS}∞`;
    }
    if (value === 0) {
        return "0";
    }
    const size = Math.abs(value);
    if (size >= 1e6 || size < 1e-4) {
        const [mantissa, exponent] = size.toExponential(Math.max(0, digits - 2)).split("e");
        return `${value < 0 ? MINUS : ""}${mantissa}·10${superscript(Number(exponent))}`;
    }
    const decimals = Math.min(8, Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
    return signed(value, size.toFixed(decimals));
}

/**
 * With a plus sign if it is positive, for numbers that are added.
 *
 * @param {number} value
 * @param {number} [digits]
 */
export function formatSigned(value, digits = 3) {
    return value > 0 ? `+${formatNumber(value, digits)}` : formatNumber(value, digits);
}

/**
 * With a fixed number of decimals, for columns that line up.
 *
 * @param {number} value
 * @param {number} [decimals]
 */
export function formatFixed(value, decimals = 3) {
    return Number.isFinite(value) ? signed(value, Math.abs(value).toFixed(decimals)) : formatNumber(value);
}

/**
 * 0.8734 as "87.3 %".
 *
 * @param {number} value
 * @param {number} [decimals]
 */
export function formatPercent(value, decimals = 1) {
    if (!Number.isFinite(value)) {
        return formatNumber(value);
    }
    const text = (value * 100).toFixed(decimals);
    const rounded = Number(text);
    const least = 10 ** -decimals; // what is smaller or nearer to all is not rounded away
    if (rounded === 100 && value < 1) {
        return `> ${(100 - least).toFixed(decimals)} %`;
    }
    if (rounded === 0 && value > 0) {
        return `< ${least} %`;
    }
    return `${text} %`;
}

/**
 * 60000 as "60,000".
 *
 * @param {number} value
 */
export function formatCount(value) {
    return value.toLocaleString("en");
}

/**
 * 480000 as "0.48 MB".
 *
 * @param {number} bytes
 */
export function formatBytes(bytes) {
    if (bytes < 1000) {
        return `${bytes} B`;
    }
    return bytes < 10_000
        ? `${formatNumber(bytes / 1000, 2)} kB`
        : `${Number((bytes / 1e6).toPrecision(2))} MB`;
}

/**
 * "1 sample", "2 samples".
 *
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function plural(count, one, many = `${one}s`) {
    return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/**
 * @param {number} value
 * @param {string} text
 */
function signed(value, text) {
    return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** @param {number} exponent */
function superscript(exponent) {
    const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
    return (exponent < 0 ? "⁻" : "") + [...String(Math.abs(exponent))].map((d) => digits[Number(d)]).join("");
}
