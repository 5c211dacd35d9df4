/** Makes elements. Attributes are set as attributes, functions become listeners. */

/**
 * @param {string} tag "div", or "button.primary.small" with classes
 * @param {Record<string, unknown>} [attributes] `on…` functions are listeners; `text` is the
 *   content; true sets an empty attribute, false and null leave it out
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
    const [name, ...classes] = tag.split(".");
    const node = document.createElement(name);
    if (classes.length > 0) {
        node.className = classes.join(" ");
    }
    if (name === "button") {
        node.type = "button";
    }
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) {
            node.addEventListener(key.slice(2), value);
        } else if (key === "text") {
            node.textContent = value;
        } else if (value === true) {
            node.setAttribute(key, "");
        } else if (value !== false && value !== null && value !== undefined) {
            node.setAttribute(key, value);
        }
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

/** Sets the text of a node only where it differs, so that nothing is laid out or read again. */
export function setText(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

/** Sets an attribute only where it differs; null removes it. */
export function setAttribute(node, name, value) {
    if (value === null) {
        node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
        node.setAttribute(name, value);
    }
}

/** A number as a <data> element: rounded for the eye, exact in its value. */
export function numberElement(value, shown, tag = "data.number") {
    return element(tag, { value: String(value), text: shown });
}

let lastId = 0;

/** An id that no other element of the page has. */
export function uniqueId(stem) {
    lastId += 1;
    return `${stem}-${lastId}`;
}

export function prefersStillness() {
    return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
