/**
 * A gradient as a sum over samples: one outer product per sample; together they are the matrix product.
 *
 * @import { Matrix } from "./matrix.js"
 */
import { matrix } from "./matrix.js";

/**
 * What sample i adds to dZ · Aᵀ: column i of dZ times column i of A as a row.
 *
 * @param {Matrix} dZ rows×m, one column per sample
 * @param {Matrix} A cols×m, one column per sample: A1, or X transposed
 * @param {number} i
 * @returns {Matrix} rows×cols
 */
export function outerProduct(dZ, A, i) {
    if (A.cols !== dZ.cols) {
        throw new RangeError(`A has ${A.cols} columns; expected ${dZ.cols}, one per sample: transpose X.`);
    }
    const product = matrix(dZ.rows, A.rows);
    for (let row = 0; row < dZ.rows; row++) {
        const factor = dZ.data[row * dZ.cols + i];
        for (let col = 0; col < A.rows; col++) {
            product.data[row * A.rows + col] = factor * A.data[col * A.cols + i];
        }
    }
    return product;
}

/**
 * The partial sums of a gradient, one sample's outer product after another.
 *
 * @param {Matrix} dZ dZ2 or dZ1, rows×m
 * @param {Matrix} A A1, or X transposed: cols×m
 * @yields {Matrix} rows×cols; the last is dZ · Aᵀ
 */
export function* outerProducts(dZ, A) {
    let sum = matrix(dZ.rows, A.rows);
    for (let i = 0; i < dZ.cols; i++) {
        const share = outerProduct(dZ, A, i);
        sum = matrix(sum.rows, sum.cols, sum.data.map((value, n) => value + share.data[n]));
        yield sum;
    }
}
