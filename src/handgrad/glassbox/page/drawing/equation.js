/**
 * Formulas as MathML, from texts like "dW1 = dZ1 · X".
 *
 * W1, dZ2 and the like get their index below; ᵀ is set above; Σ_i and x_i get what follows the underscore; frac(a, b)
 * becomes a fraction; words of two letters and more are set upright.
 */

const MATHML = "http://www.w3.org/1998/Math/MathML";
const TOKEN =
    /frac\(|Σ_[a-z]|d?[XWZAYbQθ]\d?(?:_[a-z])?ᵀ?|[A-Za-zŷηε∂ℓδλ]+(?:_[a-z])?ᵀ?|\d+(?:[.,]\d+)*|\s+|./gu;
/** @type {Record<string, string>} */
const OPERATORS = { "*": "·", "-": "−", "<-": "←" };

/**
 * @param {string} text
 * @param {{block?: boolean}} [options]
 * @returns {Element} a <math> element
 */
export function equation(text, { block = false } = {}) {
    const tokens = (text.match(TOKEN) ?? []).filter((token) => token.trim() !== "");
    const math = make("math", ...sequence(tokens, []));
    if (block) {
        math.setAttribute("display", "block");
    }
    return math;
}

/**
 * Reads tokens up to one of `ends`, which is left in place.
 *
 * @param {string[]} tokens
 * @param {string[]} ends
 * @returns {Element[]}
 */
function sequence(tokens, ends) {
    const nodes = [];
    for (let token = tokens[0]; token !== undefined && !ends.includes(token); token = tokens[0]) {
        tokens.shift();
        if (token === "frac(") {
            const above = bracketed(tokens, ",");
            const below = bracketed(tokens, ")");
            nodes.push(make("mfrac", make("mrow", ...above), make("mrow", ...below)));
        } else if (token === "(" || token === "[") {
            const closing = token === "(" ? ")" : "]";
            const inside = sequence(tokens, [closing]);
            const end = tokens.shift() === undefined ? [] : [operator(closing)];
            nodes.push(make("mrow", operator(token), ...inside, ...end));
        } else {
            nodes.push(symbol(token));
        }
    }
    return nodes;
}

/**
 * @param {string[]} tokens
 * @param {string} end
 */
function bracketed(tokens, end) {
    const nodes = sequence(tokens, [end]);
    tokens.shift();
    return nodes;
}

/** @param {string} token */
function symbol(token) {
    if (token.startsWith("Σ_")) {
        return make("munder", operator("∑"), text("mi", token[2]));
    }
    if (/^\d/.test(token)) {
        return text("mn", token);
    }
    const name = /^(d?)([A-Za-zŷηε∂ℓδλθ]+)(\d?)(?:_([a-z]))?(ᵀ?)$/u.exec(token);
    if (name === null) {
        return operator(OPERATORS[token] ?? token);
    }
    return letter(name);
}

/**
 * @param {string[]} name
 * @returns {Element}
 */
function letter([, d, stem, index, below, transposed]) {
    const differential = d === "d" && /^[XWZAYbQθ]$/u.test(stem);
    let node = text("mi", differential ? stem : d + stem);
    const subscript = index || below;
    if (subscript) {
        node = make("msub", node, text(index ? "mn" : "mi", subscript));
    }
    if (transposed) {
        node = make("msup", node, text("mo", "⊤"));
    }
    return differential ? make("mrow", text("mi", "d"), node) : node;
}

/** @param {string} content */
function operator(content) {
    return text("mo", content);
}

/**
 * @param {string} tag
 * @param {string} content
 */
function text(tag, content) {
    const node = make(tag);
    node.textContent = content;
    return node;
}

/**
 * @param {string} tag
 * @param {Element[]} children
 */
function make(tag, ...children) {
    const node = document.createElementNS(MATHML, tag);
    node.append(...children);
    return node;
}
