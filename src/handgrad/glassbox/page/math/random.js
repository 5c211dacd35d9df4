/**
 * Random numbers that a seed makes reproducible, which Math.random() cannot promise.
 *
 * @typedef {{uniform: () => number, normal: () => number, below: (bound: number) => number}} Random
 */

const TWO_TO_THE_32 = 2 ** 32;

/**
 * @param {number} seed an integer
 * @returns {Random}
 *   numbers from [0, 1), from the normal distribution, and integers from [0, bound)
 */
export function randomNumbers(seed) {
    let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;

    function uniform() {
        // A xorshift step (Marsaglia, 2003); the product spreads its weak low bits.
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (Math.imul(state, 0x2545f491) >>> 0) / TWO_TO_THE_32;
    }

    function normal() {
        // Box and Muller (1958); 1 − u is never 0, so its logarithm is finite.
        const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
        return radius * Math.cos(2 * Math.PI * uniform());
    }

    for (let n = 0; n < 8; n++) {
        uniform(); // so that neighbouring seeds have nothing in common
    }
    return { uniform, normal, below: (bound) => Math.floor(uniform() * bound) };
}
