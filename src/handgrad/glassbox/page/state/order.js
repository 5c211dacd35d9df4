/**
 * The order of the embedded samples. Data sets are often sorted by class, and a batch of eight
 * zeros teaches little. So the samples follow in strides of the golden ratio, which mixes the
 * classes. Samples that the page was asked to show keep their own order.
 *
 * @import { ReadPayload } from "../data/payload.js"
 *
 * @typedef {ReturnType<typeof createOrder>} Order
 */

const GOLDEN = 0.6180339887;

/**
 * @param {Pick<ReadPayload, "samples" | "show">} payload
 * @returns `at` gives the sample at a place, `placeOf` the place of a sample; both are counted
 *   from 0, and the first place follows the last one
 */
export function createOrder({ samples: { count }, show }) {
    const stride = show === null ? strideFor(count) : 1;
    /** @type {number[]} */
    const order = Array.from({ length: count }, (_, place) => (place * stride) % count);
    const places = new Int32Array(count);
    order.forEach((index, place) => {
        places[index] = place;
    });
    return {
        /** @param {number} place */
        at: (place) => order[((place % count) + count) % count],
        /** @param {number} index */
        placeOf: (index) => places[index],
    };
}

/**
 * Near the golden ratio of the count, and sharing no divisor with it, so that none is left out.
 *
 * @param {number} count
 * @returns {number}
 */
function strideFor(count) {
    let stride = Math.max(1, Math.round(count * GOLDEN));
    while (greatestDivisor(stride, count) > 1) {
        stride++;
    }
    return stride;
}

/**
 * @param {number} one
 * @param {number} other
 * @returns {number}
 */
function greatestDivisor(one, other) {
    return other === 0 ? one : greatestDivisor(other, one % other);
}
