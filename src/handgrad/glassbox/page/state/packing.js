/**
 * Pictures as short texts for an address: bytes, runs of zeros shortened, in base64url.
 *
 * A zero byte is followed by the length of its run, 1 to 255; every other byte stands for itself.
 * A drawn digit of 784 pixels takes about 300 characters.
 */

const LEVELS = 255;

/**
 * Rounds ink from 0 to 1 to the 256 levels of MNIST's pixels, so that packing loses nothing.
 *
 * @param {Float64Array} values
 */
export function toLevels(values) {
    return values.map((value) => Math.round(Math.min(1, Math.max(0, value)) * LEVELS) / LEVELS);
}

/**
 * @param {Float64Array} values numbers from 0 to 1, on 256 levels
 * @returns {string}
 */
export function pack(values) {
    const bytes = [];
    for (let n = 0; n < values.length; n++) {
        const byte = Math.round(values[n] * LEVELS);
        bytes.push(byte);
        if (byte === 0) {
            let run = 1;
            while (run < 255 && n + 1 < values.length && Math.round(values[n + 1] * LEVELS) === 0) {
                run++;
                n++;
            }
            bytes.push(run);
        }
    }
    const text = btoa(String.fromCharCode(...bytes));
    return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param {string} text what `pack` returned
 * @param {number} length how many numbers there are
 * @returns {Float64Array | null} null if the text does not contain exactly that many
 */
export function unpack(text, length) {
    let bytes;
    try {
        bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    } catch {
        return null;
    }
    const values = new Float64Array(length);
    let place = 0;
    for (let n = 0; n < bytes.length; n++) {
        const byte = bytes.charCodeAt(n);
        if (byte === 0) {
            n++;
            place += n < bytes.length ? bytes.charCodeAt(n) : 0;
        } else {
            if (place < length) {
                values[place] = byte / LEVELS;
            }
            place++;
        }
    }
    return place === length ? values : null;
}
