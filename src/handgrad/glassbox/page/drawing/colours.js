/**
 * The colours of numbers: 27 steps, and the same colour means the same number everywhere.
 *
 * 0 is neutral, positive numbers are orange and negative ones blue, which every common kind of
 * colour blindness tells apart. The steps follow 1-2-5: networks hold probabilities near 1, weights near 0.1 and
 * gradients near 0.001, which one even scale could not show together. Strength rises most between 0.05 and 1, where
 * weights, ink and probabilities live, so that noise stays pale.
 *
 * @typedef {{words: Uint32Array, texts: string[], contrast: number, dark: boolean}} Palette
 *   28 colours, as the words of an ImageData and as CSS
 * @typedef {[number, number, number]} Colour red, green, blue from 0 to 255
 */

/** The smallest size that each of the 13 steps away from 0 stands for. */
export const THRESHOLDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

const STRENGTHS = [0.04, 0.06, 0.09, 0.13, 0.19, 0.28, 0.4, 0.53, 0.67, 0.78, 0.86, 0.93, 1];
const ZERO = THRESHOLDS.length;

/** The step of a number that is none: it has a colour of its own. */
export const NOT_A_NUMBER = 2 * ZERO + 1;

/**
 * @param {number} value
 * @param {number} [contrast] how many times smaller each threshold is
 * @returns {number} a step: 0 to 12 negative, 13 neutral, 14 to 26 positive, 27 not a number
 */
export function colourStep(value, contrast = 1) {
    if (Number.isNaN(value)) {
        return NOT_A_NUMBER;
    }
    const size = Math.abs(value) * contrast;
    let step = 0;
    while (step < THRESHOLDS.length && size >= THRESHOLDS[step] * (1 - 1e-12)) {
        step++;
    }
    return value < 0 ? ZERO - step : ZERO + step;
}

/**
 * @param {boolean} dark
 * @param {number} [contrast]
 * @returns {Palette}
 */
export function createPalette(dark, contrast = 1) {
    /** @type {Colour[]} */
    const colours = [];
    for (let step = 0; step <= 2 * ZERO; step++) {
        const distance = Math.abs(step - ZERO);
        const strength = distance === 0 ? 0 : STRENGTHS[distance - 1];
        colours.push(dark ? darkColour(strength, step > ZERO) : lightColour(strength, step > ZERO));
    }
    colours.push(dark ? [214, 92, 200] : [190, 40, 170]);
    return {
        words: Uint32Array.from(colours, ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r),
        texts: colours.map(([r, g, b]) => `rgb(${r}, ${g}, ${b})`),
        contrast,
        dark,
    };
}

/**
 * The CSS colour of a number.
 *
 * @param {Palette} palette
 * @param {number} value
 */
export function colourOf(palette, value) {
    return palette.texts[colourStep(value, palette.contrast)];
}

/**
 * @param {number} strength from 0 to 1
 * @param {boolean} positive
 */
function lightColour(strength, positive) {
    const lightness = 0.965 - 0.575 * strength;
    const chroma = 0.004 + 0.165 * Math.min(1, strength * 1.55) * (1 - 0.45 * Math.max(0, strength - 0.65));
    return fromOklch(lightness, chroma, positive ? 62 - 22 * strength : 240 + 22 * strength);
}

/**
 * @param {number} strength from 0 to 1
 * @param {boolean} positive
 */
function darkColour(strength, positive) {
    const lightness = 0.255 + 0.65 * strength;
    const chroma = 0.012 + 0.15 * Math.min(1, strength * 1.7) * (1 - 0.9 * Math.max(0, strength - 0.6));
    return fromOklch(lightness, chroma, positive ? 45 + 38 * strength : 262 - 38 * strength);
}

/**
 * OKLCH (Ottosson, 2020) keeps steps of lightness even to the eye, which sRGB does not.
 *
 * @param {number} lightness
 * @param {number} chroma
 * @param {number} hue in degrees
 * @returns {Colour}
 */
function fromOklch(lightness, chroma, hue) {
    const angle = (hue * Math.PI) / 180;
    const a = chroma * Math.cos(angle);
    const b = chroma * Math.sin(angle);
    const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const [red, green, blue] = [
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
    ].map((linear) => {
        const value = Math.min(1, Math.max(0, linear));
        const encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
        return Math.round(encoded * 255);
    });
    return [red, green, blue];
}
