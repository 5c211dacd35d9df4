/**
 * What named features add, as bars to the right and left of a line, the largest first.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { Palette } from "../drawing/colours.js"
 */
import { colourOf } from "../drawing/colours.js";
import { element, setText } from "../drawing/elements.js";
import { formatSigned } from "../drawing/numbers.js";

const SHOWN = 12;

/**
 * @param {Payload} payload
 * @returns {{node: HTMLElement, show: (shares: ArrayLike<number>, palette: Palette) => void}}
 */
export function createShareBars(payload) {
    const rows = Array.from({ length: Math.min(SHOWN, payload.D) }, () => {
        const name = element("span.share-name");
        const bar = element("span.share-bar");
        const value = element("span.share-value");
        return {
            name,
            bar,
            value,
            node: element("li", {}, name, element("span.share-track", { "aria-hidden": "true" }, bar), value),
        };
    });
    const node = element("ol.shares", {}, ...rows.map((row) => row.node));
    return {
        node,
        show(shares, palette) {
            const order = Array.from(shares, (_, j) => j).sort(
                (one, other) => Math.abs(shares[other]) - Math.abs(shares[one]),
            );
            const largest = Math.abs(shares[order[0]]) || 1;
            rows.forEach((row, n) => {
                const share = shares[order[n]];
                setText(row.name, payload.featureNames?.[order[n]] ?? `Feature ${order[n]}`);
                setText(row.value, formatSigned(share));
                row.bar.style.transform = `scaleX(${share / largest})`;
                row.bar.style.background = colourOf(palette, share);
            });
        },
    };
}
