/**
 * Why each formula is true, in a few lines, with a link to its full proof.
 *
 * `lines` are formulas for the equation writer; `text` says what they mean.
 */
import { element } from "../drawing/elements.js";
import { equation } from "../drawing/equation.js";

/** @type {Record<string, {anchor: string, text: string, lines: string[]}>} */
const DERIVATIONS = {
    X: {
        anchor: "notation-and-shapes",
        text: "X contains m samples of D features, one per row. dQ always means the slope of the cost for each entry of Q, so it has the shape of Q.",
        lines: ["dQ[r, c] = frac(∂C, ∂Q[r, c])"],
    },
    F1: {
        anchor: "f1-z1",
        text: "Hidden unit h multiplies the features of sample i by its weights and adds its bias. The sum over j goes along a row of W1 and a row of X, so X is transposed in the product. The bias has no i: it is the same for every sample.",
        lines: ["Z1[h, i] = Σ_j W1[h, j] X[i, j] + b1[h]"],
    },
    F2: {
        anchor: "f2-a1",
        text: "This function is a choice, called ReLU. Without it, the two layers would be only one: a matrix times a matrix is a matrix.",
        lines: ["A1[h, i] = max(0, Z1[h, i])"],
    },
    F3: {
        anchor: "f3-z2",
        text: "Like F1, with A1 in place of the features. The samples are already columns, so nothing is transposed.",
        lines: ["Z2[k, i] = Σ_h W2[k, h] A1[h, i] + b2[k]"],
    },
    F4: {
        anchor: "f4-a2",
        text: "Exponentials are positive. Divided by their sum, they add up to 1. Subtracting the largest logit c first does not change the result, and it keeps exp from overflowing.",
        lines: ["frac(exp(z_k − c), Σ_l exp(z_l − c)) = frac(exp z_k, Σ_l exp z_l)"],
    },
    F5: {
        anchor: "f5-prediction",
        text: "The prediction is the class with the largest probability. If several are equal, it is the first of them.",
        lines: [],
    },
    C1: {
        anchor: "c1-cost",
        text: "If the true class has the probability 1, the loss is 0. If it has a small probability, the loss is large. The cost is the average over the samples.",
        lines: ["ℓ_i = − log A2[y_i, i]", "C = frac(1, m) Σ_i ℓ_i"],
    },
    B1: {
        anchor: "b1-dz2",
        text: "The loss is log S − z_y, where S is the sum of the exponentials. Its slope for logit l is the probability of l, minus 1 if l is the label. The cost is the average over m samples, so each slope is divided by m.",
        lines: ["frac(∂ℓ, ∂z_l) = frac(exp z_l, S) − Y_l = A2[l] − Y_l"],
    },
    B2: {
        anchor: "b2-dw2",
        text: "The weight W2[k, h] occurs in row k of Z2, once for each sample, times A1[h, i]. The effects on all samples add up, and this sum is an entry of a matrix product.",
        lines: ["dW2[k, h] = Σ_i dZ2[k, i] A1[h, i]"],
    },
    B3: {
        anchor: "b3-db2",
        text: "The forward pass repeats the bias for each sample. What the forward pass repeats, the backward pass adds up.",
        lines: ["db2[k] = Σ_i dZ2[k, i]"],
    },
    B4: {
        anchor: "b4-da1",
        text: "The activation A1[h, i] is part of every logit of sample i, with the weights in column h of W2. So its slope is a sum over all of them. Columns of W2 are rows of its transpose.",
        lines: ["dA1[h, i] = Σ_k W2[k, h] dZ2[k, i]"],
    },
    B5: {
        anchor: "b5-dz1",
        text: "max(0, z) has slope 1 above 0 and slope 0 below 0. If z is below 0, a small change of z does not turn the unit on, so nothing depends on it. At exactly 0, the notes let nothing through.",
        lines: ["dZ1[h, i] = dA1[h, i] (Z1[h, i] > 0)"],
    },
    B6: {
        anchor: "b6-dw1",
        text: "Like B2, with the features in place of A1: each sample adds its own features, times the slope of each unit.",
        lines: ["dW1[h, j] = Σ_i dZ1[h, i] X[i, j]"],
    },
    B7: {
        anchor: "b7-db1",
        text: "Like B3: the bias occurs once for each sample.",
        lines: ["db1[h] = Σ_i dZ1[h, i]"],
    },
    U1: {
        anchor: "u1-descent",
        text: "The slope says in which direction the cost rises. A small step in the other direction makes it fall, by about η times the sum of all squared slopes.",
        lines: ["θ ← θ − η dθ"],
    },
};

/**
 * @param {string[]} ids formulas
 * @param {string} address of the derivation, or empty
 * @returns {HTMLElement} a short derivation of each, with a link to its proof if there is an address
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
 * The id of a formula: a link to its proof, or plain text if there is no address.
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
