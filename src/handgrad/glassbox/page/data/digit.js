/**
 * Prepares a drawing as the digits of MNIST were prepared: scales it into a box of 20 by 20
 * pixels, and moves it by whole pixels until its centre of mass is in the middle of 28 by 28.
 *
 * @typedef {{top: number, left: number, height: number, width: number}} Box
 */

const BOX = 20 / 28; // of the picture's rows and columns

/**
 * @param {Float64Array} ink height × width numbers from 0 to 1, row by row; 1 is a full stroke
 * @param {number} width
 * @param {number} height
 * @param {[number, number]} imageShape [rows, columns] of the picture
 * @returns {Float64Array} rows × columns numbers from 0 to 1; zeros if there is no ink
 */
export function centred(ink, width, height, [rows, columns]) {
    const picture = new Float64Array(rows * columns);
    const box = boxOfInk(ink, width, height);
    if (box === null) {
        return picture;
    }
    const scale = Math.min((BOX * rows) / box.height, (BOX * columns) / box.width);
    const digit = resampled(ink, width, box, scale);
    const top = offset(digit.centre[0], digit.height, rows);
    const left = offset(digit.centre[1], digit.width, columns);
    for (let i = 0; i < Math.min(digit.height, rows); i++) {
        for (let j = 0; j < Math.min(digit.width, columns); j++) {
            picture[(top + i) * columns + left + j] = digit.pixels[i * digit.width + j];
        }
    }
    return picture;
}

/**
 * @param {Float64Array} ink
 * @param {number} width
 * @param {number} height
 * @returns {Box | null}
 */
function boxOfInk(ink, width, height) {
    let [top, bottom, left, right] = [height, -1, width, -1];
    for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
            if (ink[i * width + j] > 0) {
                top = Math.min(top, i);
                bottom = i;
                left = Math.min(left, j);
                right = Math.max(right, j);
            }
        }
    }
    return bottom < 0 ? null : { top, left, height: bottom + 1 - top, width: right + 1 - left };
}

/**
 * Each new pixel is the average of the ink on the area that it covers.
 *
 * @param {Float64Array} ink
 * @param {number} width
 * @param {Box} box
 * @param {number} scale
 */
function resampled(ink, width, box, scale) {
    const down = overlaps(box.height, scale);
    const across = overlaps(box.width, scale);
    const pixels = new Float64Array(down.length * across.length);
    let [mass, momentDown, momentAcross] = [0, 0, 0];
    for (const [i, rowShares] of down.entries()) {
        for (const [j, columnShares] of across.entries()) {
            let value = 0;
            for (const [row, shareOfRow] of rowShares) {
                for (const [col, shareOfColumn] of columnShares) {
                    value += shareOfRow * shareOfColumn * ink[(box.top + row) * width + box.left + col];
                }
            }
            pixels[i * across.length + j] = Math.min(1, value);
            mass += value;
            momentDown += value * i;
            momentAcross += value * j;
        }
    }
    const centre = [momentDown / mass, momentAcross / mass];
    return { pixels, height: down.length, width: across.length, centre };
}

/**
 * For each new pixel along one side: which old pixels it covers, and their shares of its area.
 *
 * @param {number} length
 * @param {number} scale
 * @returns {[number, number][][]}
 */
function overlaps(length, scale) {
    const count = Math.max(1, Math.ceil(length * scale - 1e-9)); // 20.000000000000004 is 20
    return Array.from({ length: count }, (_, place) => {
        const [start, end] = [place / scale, Math.min((place + 1) / scale, length)];
        /** @type {[number, number][]} */
        const shares = [];
        for (let old = Math.floor(start); old < Math.min(Math.ceil(end), length); old++) {
            const covered = Math.min(end, old + 1) - Math.max(start, old);
            if (covered > 0) {
                shares.push([old, covered * scale]);
            }
        }
        return shares;
    });
}

/**
 * Where a digit begins, so that its centre of mass is nearest to the middle and none is cut off.
 *
 * @param {number} centre
 * @param {number} length
 * @param {number} size
 */
function offset(centre, length, size) {
    const wanted = Math.floor(size / 2) - Math.round(centre);
    return Math.max(0, Math.min(wanted, size - length));
}
