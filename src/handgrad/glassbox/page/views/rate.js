/** η: a slider over powers of ten, and the number itself. */
import { element } from "../drawing/elements.js";

const LOW = -3; // 0.001
const HIGH = 2; // 100

/**
 * @param {(learningRate: number) => void} onChange
 * @returns {{node: HTMLElement, show: (learningRate: number) => void}}
 */
export function createRate(onChange) {
    const slider = element("input", {
        type: "range",
        min: LOW,
        max: HIGH,
        step: "0.05",
        "aria-label": "Learning rate η, on a logarithmic scale",
        oninput: (event) => onChange(rounded(10 ** Number(event.target.value))),
    });
    const number = element("input", {
        type: "number",
        min: "0.0001",
        max: "1000",
        step: "any",
        "aria-label": "Learning rate η as a number",
        onchange: (event) => changeTo(event.target),
    });
    const node = element("div.rate.field", {}, element("span", { text: "Learning rate η" }), slider, number);
    let shown = NaN;

    /** @param {HTMLInputElement} input */
    function changeTo(input) {
        const rate = input.valueAsNumber;
        if (rate > 0 && rate <= 1000) {
            onChange(rate);
        } else {
            input.value = String(shown);
        }
    }

    return {
        node,
        show(learningRate) {
            shown = learningRate;
            slider.value = String(Math.log10(learningRate));
            slider.setAttribute("aria-valuetext", String(learningRate));
            if (document.activeElement !== number) {
                number.value = String(learningRate);
            }
        },
    };
}

/**
 * Two digits are enough for a slider.
 *
 * @param {number} value
 */
function rounded(value) {
    return Number(value.toPrecision(2));
}
