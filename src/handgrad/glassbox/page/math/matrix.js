/**
 * Matrices of float64, row by row, and the three products that the passes need.
 *
 * A zero times a finite number adds nothing, so the products skip it: most pixels of a digit
 * are 0. A zero times NaN or infinity is NaN and is not skipped, so that a mistake which
 * overflows is visible in every entry that it reaches.
 *
 * @typedef {{rows: number, cols: number, data: Float64Array}} Matrix
 *   Entry (i, j) is data[i * cols + j].
 */

/**
 * @param {number} rows
 * @param {number} cols
 * @param {Float64Array} [data] rows × cols numbers, row by row; zeros by default
 * @returns {Matrix}
 */
export function matrix(rows, cols, data = new Float64Array(rows * cols)) {
    if (data.length !== rows * cols) {
        throw new RangeError(`A ${rows}×${cols} matrix got ${data.length} numbers.`);
    }
    return Object.freeze({ rows, cols, data });
}

/**
 * @param {Matrix} M
 * @param {number} i
 * @param {number} j
 * @returns {number} entry (i, j)
 */
export function at(M, i, j) {
    return M.data[i * M.cols + j];
}

/**
 * @param {Matrix} M
 * @param {number} j
 * @returns {Float64Array} a copy of column j
 */
export function column(M, j) {
    return Float64Array.from({ length: M.rows }, (_, i) => at(M, i, j));
}

/**
 * @param {Matrix} M
 * @returns {Matrix} cols × rows
 */
export function transpose(M) {
    const T = matrix(M.cols, M.rows);
    for (let i = 0; i < M.rows; i++) {
        for (let j = 0; j < M.cols; j++) {
            T.data[j * M.rows + i] = M.data[i * M.cols + j];
        }
    }
    return T;
}

/**
 * A · B: one outer product for each column of A and row of B, added up.
 *
 * @param {Matrix} A rows × n
 * @param {Matrix} B n × cols
 * @returns {Matrix} rows × cols
 */
export function multiply(A, B) {
    expectSame(A.cols, B.rows, A, B);
    const product = matrix(A.rows, B.cols);
    const row = sparseRow(B.cols, allFinite(A));
    for (let n = 0; n < B.rows; n++) {
        row.read(B, n);
        for (let i = 0; i < A.rows; i++) {
            addMultiple(product.data, i * B.cols, A.data[i * A.cols + n], row);
        }
    }
    return product;
}

/**
 * Aᵀ · B.
 *
 * @param {Matrix} A n × rows
 * @param {Matrix} B n × cols
 * @returns {Matrix} rows × cols
 */
export function multiplyTransposedLeft(A, B) {
    expectSame(A.rows, B.rows, A, B);
    return multiply(transpose(A), B);
}

/**
 * A · Bᵀ: entry (i, j) is the product of row i of A and row j of B.
 *
 * @param {Matrix} A rows × n
 * @param {Matrix} B cols × n
 * @returns {Matrix} rows × cols
 */
export function multiplyTransposedRight(A, B) {
    expectSame(A.cols, B.cols, A, B);
    const product = matrix(A.rows, B.rows);
    const row = sparseRow(B.cols, allFinite(A));
    for (let j = 0; j < B.rows; j++) {
        row.read(B, j);
        for (let i = 0; i < A.rows; i++) {
            product.data[i * B.rows + j] = productOfRows(A.data, i * A.cols, row);
        }
    }
    return product;
}

/**
 * Adds a column to every column of M, as NumPy does when it broadcasts b.
 *
 * @param {Matrix} M rows × cols
 * @param {Matrix} b rows × 1
 * @returns {Matrix} rows × cols
 */
export function addColumn(M, b) {
    const sum = matrix(M.rows, M.cols);
    for (let i = 0; i < M.rows; i++) {
        for (let j = 0; j < M.cols; j++) {
            sum.data[i * M.cols + j] = M.data[i * M.cols + j] + b.data[i];
        }
    }
    return sum;
}

/**
 * @param {Matrix} M
 * @returns {Matrix} the sum of M's columns, rows × 1
 */
export function sumOfColumns(M) {
    const sum = matrix(M.rows, 1);
    for (let i = 0; i < M.rows; i++) {
        for (let j = 0; j < M.cols; j++) {
            sum.data[i] += M.data[i * M.cols + j];
        }
    }
    return sum;
}

/**
 * @param {number} left
 * @param {number} right
 * @param {Matrix} A
 * @param {Matrix} B
 */
function expectSame(left, right, A, B) {
    if (left !== right) {
        throw new RangeError(
            `${A.rows}×${A.cols} and ${B.rows}×${B.cols} cannot be multiplied: ${left} is not ${right}.`,
        );
    }
}

/** @param {Matrix} M */
function allFinite(M) {
    return M.data.every(Number.isFinite);
}

/**
 * Memory for one row, without its zeros if they may be skipped: values[n] is in column
 * places[n], for n < count.
 *
 * @param {number} length
 * @param {boolean} skipZeros
 */
function sparseRow(length, skipZeros) {
    return {
        places: new Int32Array(length),
        values: new Float64Array(length),
        count: 0,
        finite: true,
        /**
         * @param {Matrix} M
         * @param {number} i
         */
        read(M, i) {
            const { places, values } = this;
            const start = i * M.cols;
            let count = 0;
            let zero = 0; // becomes NaN if a number is NaN or infinite
            for (let j = 0; j < length; j++) {
                const value = M.data[start + j];
                if (value !== 0 || !skipZeros) {
                    places[count] = j;
                    values[count++] = value;
                    zero += value * 0;
                }
            }
            this.count = count;
            this.finite = zero === 0;
        },
    };
}

/**
 * Adds factor · row to sum, from `start` on.
 *
 * @param {Float64Array} sum
 * @param {number} start
 * @param {number} factor
 * @param {ReturnType<typeof sparseRow>} row
 */
function addMultiple(sum, start, factor, { places, values, count, finite }) {
    if (factor === 0 && finite) {
        return;
    }
    for (let n = 0; n < count; n++) {
        sum[start + places[n]] += factor * values[n];
    }
}

/**
 * @param {Float64Array} A
 * @param {number} start
 * @param {ReturnType<typeof sparseRow>} row
 * @returns {number} the row of A that begins at `start`, times the row
 */
function productOfRows(A, start, { places, values, count }) {
    let sum = 0;
    for (let n = 0; n < count; n++) {
        sum += A[start + places[n]] * values[n];
    }
    return sum;
}
