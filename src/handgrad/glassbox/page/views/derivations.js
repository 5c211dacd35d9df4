/**
 * Why each formula is true, in a few lines, and where its full proof stands.
 *
 * `lines` are formulas for the equation writer; `text` says what they mean.
 */
import { element } from "../drawing/elements.js";
import { equation } from "../drawing/equation.js";

/** @type {Record<string, {anchor: string, text: string, lines: string[]}>} */
const DERIVATIONS = {
    X: {
        anchor: "notation-and-shapes",
        text: "m samples of D features lie in X, one a row. dQ always stands for the slope of the cost in each entry of Q, so it has Q’s shape.",
        lines: ["dQ[r, c] = frac(∂C, ∂Q[r, c])"],
    },
    F1: {
        anchor: "f1-z1",
        text: "A hidden unit h weighs the features of sample i and adds its bias. The sum over j runs along a row of W1 and a row of X, so X is transposed for the product. The bias has no i: every sample gets the same one.",
        lines: ["Z1[h, i] = Σ_j W1[h, j] X[i, j] + b1[h]"],
    },
    F2: {
        anchor: "f2-a1",
        text: "This one is a choice, called ReLU. Without it the two layers would be one: a matrix times a matrix is a matrix.",
        lines: ["A1[h, i] = max(0, Z1[h, i])"],
    },
    F3: {
        anchor: "f3-z2",
        text: "As F1, with A1 in place of the features. The samples already stand as columns, so nothing is transposed.",
        lines: ["Z2[k, i] = Σ_h W2[k, h] A1[h, i] + b2[k]"],
    },
    F4: {
        anchor: "f4-a2",
        text: "Exponentials are positive, and divided by their sum they add up to 1. Subtracting the largest logit c first changes nothing, and keeps exp from overflowing.",
        lines: ["frac(exp(z_k − c), Σ_l exp(z_l − c)) = frac(exp z_k, Σ_l exp z_l)"],
    },
    F5: {
        anchor: "f5-prediction",
        text: "The prediction is the class with the largest probability; of equals, the first.",
        lines: [],
    },
    C1: {
        anchor: "c1-cost",
        text: "A probability of 1 for the true class costs nothing, a small one costs a lot. The cost is the average over the samples.",
        lines: ["ℓ_i = − log A2[y_i, i]", "C = frac(1, m) Σ_i ℓ_i"],
    },
    B1: {
        anchor: "b1-dz2",
        text: "The loss is log S − z_y, where S is the sum of the exponentials. Its slope in logit l is the probability of l, less 1 where l is the label. The cost averages over m samples, so each slope is divided by m.",
        lines: ["frac(∂ℓ, ∂z_l) = frac(exp z_l, S) − Y_l = A2[l] − Y_l"],
    },
    B2: {
        anchor: "b2-dw2",
        text: "The weight W2[k, h] stands in row k of Z2, once for each sample, next to A1[h, i]. The effects over all samples add up, and that sum is an entry of a matrix product.",
        lines: ["dW2[k, h] = Σ_i dZ2[k, i] A1[h, i]"],
    },
    B3: {
        anchor: "b3-db2",
        text: "The bias was repeated for each sample on the way forward. What is repeated forward is added up backward.",
        lines: ["db2[k] = Σ_i dZ2[k, i]"],
    },
    B4: {
        anchor: "b4-da1",
        text: "The activation A1[h, i] went into every logit of sample i, with the weights in column h of W2. Going back, unit h gathers from all of them: columns of W2 are rows of its transpose.",
        lines: ["dA1[h, i] = Σ_k W2[k, h] dZ2[k, i]"],
    },
    B5: {
        anchor: "b5-dz1",
        text: "max(0, z) has slope 1 above 0 and slope 0 below it. A unit that was off would have been off a little higher or lower, too, so nothing depends on it. At exactly 0 the notes let nothing through.",
        lines: ["dZ1[h, i] = dA1[h, i] (Z1[h, i] > 0)"],
    },
    B6: {
        anchor: "b6-dw1",
        text: "As B2, with the features in place of A1: each sample adds its own picture, times how much each unit should change.",
        lines: ["dW1[h, j] = Σ_i dZ1[h, i] X[i, j]"],
    },
    B7: {
        anchor: "b7-db1",
        text: "As B3: the bias counts once for each sample.",
        lines: ["db1[h] = Σ_i dZ1[h, i]"],
    },
    U1: {
        anchor: "u1-descent",
        text: "The slope says which way the cost rises. A small step the other way makes it fall, by about η times the sum of all squared slopes.",
        lines: ["θ ← θ − η dθ"],
    },
};

/**
 * @param {string[]} ids formulas
 * @param {string} address of the derivation, or empty
 * @returns {HTMLElement} a short derivation of each, with a link to its proof where there is one
 */
export function createDerivation(ids, address) {
    const parts = ids.map((id) => {
        const { anchor, text, lines } = DERIVATIONS[id];
        const link = address
            ? element("a", {
                  href: `${address}#${anchor}`,
                  target: "_blank",
                  rel: "noopener",
                  text: `The proof of ${id}`,
              })
            : null;
        return element(
            "div.derivation",
            {},
            element("p", {}, id === "X" ? null : element("strong", { text: `${id}. ` }), text),
            ...lines.map((line) => element("div.formula", {}, equation(line, { block: true }))),
            link && element("p", {}, link),
        );
    });
    const title = ids[0] === "X" ? "What do the names mean?" : "Why is this so?";
    return element("details.why", {}, element("summary", { text: title }), ...parts);
}

/**
 * A formula's id that leads to its proof, or that is plain text where there is no address.
 *
 * @param {string} id
 * @param {string} address
 */
export function formulaReference(id, address) {
    const { anchor, text } = DERIVATIONS[id];
    return address
        ? element("a.formula-id", {
              href: `${address}#${anchor}`,
              target: "_blank",
              rel: "noopener",
              text: id,
              title: text,
          })
        : element("abbr.formula-id", { text: id, title: text });
}
