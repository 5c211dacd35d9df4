/**
 * Creates elements. Attributes are set as attributes, and functions become listeners.
 *
 * @template {string} T
 * @typedef {T extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[T] : HTMLElement} Named
 */

/**
 * @template {string} T a tag with classes, such as "button.primary.small"
 * @typedef {T extends `${infer Name}.${string}` ? Named<Name> : Named<T>} ElementOf
 */

/**
 * @template {string} T
 * @typedef {object} Attributes
 * @property {(event: MouseEvent) => void} [onclick]
 * @property {(event: FocusEvent) => void} [onfocus]
 * @property {(event: KeyboardEvent & {target: HTMLElement}) => void} [onkeydown]
 * @property {(event: Event & {target: ElementOf<T>}) => void} [onchange]
 * @property {(event: Event & {target: ElementOf<T>}) => void} [oninput]
 * @property {string} [text] the content
 */

/**
 * @template {string} T
 * @param {T} tag "div", or "button.primary.small" with classes
 * @param {Attributes<T> & Record<string, unknown>} [attributes] true sets an empty attribute;
 *   false and null leave it out
 * @param {...(Node | string | null | undefined)} children
 * @returns {ElementOf<T>}
 */
export function element(tag, attributes = {}, ...children) {
    const [name, ...classes] = tag.split(".");
    const node = document.createElement(name);
    if (classes.length > 0) {
        node.className = classes.join(" ");
    }
    if (node instanceof HTMLButtonElement) {
        node.type = "button";
    }
    for (const [key, value] of Object.entries(attributes)) {
        if (typeof value === "function") {
            node.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
        } else if (key === "text") {
            node.textContent = String(value);
        } else if (value === true) {
            node.setAttribute(key, "");
        } else if (value !== false && value !== null && value !== undefined) {
            node.setAttribute(key, String(value));
        }
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return /** @type {ElementOf<T>} */ (node);
}

/**
 * An element that index.html contains.
 *
 * @param {string} id
 */
export function elementById(id) {
    const found = document.getElementById(id);
    if (found === null) {
        throw new Error(`The page has no element #${id}.`);
    }
    return found;
}

/** @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
    const context = canvas.getContext("2d");
    if (context === null) {
        throw new Error("This browser cannot draw on a canvas.");
    }
    return context;
}

/**
 * Sets the text of a node only if it differs, so that the browser does not lay it out again.
 *
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

/**
 * Sets an attribute only if it differs; null removes it.
 *
 * @param {Element} node
 * @param {string} name
 * @param {string | number | null} value
 */
export function setAttribute(node, name, value) {
    if (value === null) {
        node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
        node.setAttribute(name, String(value));
    }
}

/**
 * A number as a <data> element: rounded for the eye, exact in its value.
 *
 * @param {number} value
 * @param {string} shown
 * @param {string} [tag]
 */
export function numberElement(value, shown, tag = "data.number") {
    return element(tag, { value: String(value), text: shown });
}

let lastId = 0;

/**
 * An id that no other element of the page has.
 *
 * @param {string} stem
 */
export function uniqueId(stem) {
    lastId += 1;
    return `${stem}-${lastId}`;
}

export function prefersStillness() {
    return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
