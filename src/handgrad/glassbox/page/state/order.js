/**
 * The order in which embedded samples follow one another. Data sets are often sorted by class, and
 * eight zeros make a dull batch; so the samples are taken in strides of the golden ratio, which
 * spread them evenly. What the page was asked to show comes in its own order.
 */

const GOLDEN = 0.6180339887;

/**
 * @param {object} payload
 * @returns {{at: (place: number) => number, placeOf: (index: number) => number}}
 *   places and samples, both counted from 0, around the end
 */
export function createOrder({ samples: { count }, show }) {
    const stride = show === null ? strideFor(count) : 1;
    const order = Array.from({ length: count }, (_, place) => (place * stride) % count);
    const places = new Int32Array(count);
    order.forEach((index, place) => {
        places[index] = place;
    });
    return {
        at: (place) => order[((place % count) + count) % count],
        placeOf: (index) => places[index],
    };
}

/** Near the golden ratio of the count, and sharing no divisor with it, so that none is left out. */
function strideFor(count) {
    let stride = Math.max(1, Math.round(count * GOLDEN));
    while (greatestDivisor(stride, count) > 1) {
        stride++;
    }
    return stride;
}

function greatestDivisor(one, other) {
    return other === 0 ? one : greatestDivisor(other, one % other);
}
