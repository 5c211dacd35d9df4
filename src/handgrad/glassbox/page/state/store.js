/**
 * The one place where the page's state lives. Drawing reads it; only what a learner does (and a
 * training run) writes it.
 *
 * Subscribers are called once a frame with the set of keys that changed since, so ten changes in
 * one frame are drawn once.
 *
 */

/**
 * @template {object} T
 * @typedef {object} Store
 * @property {() => Readonly<T>} get
 * @property {(change: Partial<T>) => void} set
 * @property {(listener: (state: T, changed: Set<string>) => void) => void} subscribe
 */

/**
 * @template {object} T
 * @param {T} initial
 * @param {(callback: () => void) => void} [schedule] when to tell the subscribers
 * @returns {Store<T>}
 */
export function createStore(initial, schedule = nextFrame) {
    /** @type {Readonly<T>} */
    let state = Object.freeze({ ...initial });
    /** @type {Set<string>} */
    let changed = new Set();
    /** @type {((state: T, changed: Set<string>) => void)[]} */
    const listeners = [];

    function tell() {
        const keys = changed;
        changed = new Set();
        for (const listener of listeners) {
            listener(state, keys);
        }
    }

    return {
        get: () => state,
        set(change) {
            const keys = /** @type {(keyof T & string)[]} */ (Object.keys(change)).filter(
                (key) => !Object.is(state[key], change[key]),
            );
            if (keys.length === 0) {
                return;
            }
            state = Object.freeze({ ...state, ...change });
            if (changed.size === 0) {
                schedule(tell);
            }
            keys.forEach((key) => changed.add(key));
        },
        subscribe(listener) {
            listeners.push(listener);
        },
    };
}

/**
 * The next frame; a page in the background gets no frames, so a timer replaces them.
 *
 * @param {() => void} callback
 */
function nextFrame(callback) {
    if (document.hidden) {
        setTimeout(callback, 50);
    } else {
        requestAnimationFrame(callback);
    }
}
