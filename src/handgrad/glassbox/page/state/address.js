/**
 * Keeps the state and the address in step: a link opens what it describes, and what a learner
 * does goes into the address.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { State } from "./state.js"
 * @import { Store } from "./store.js"
 */
import { fragmentOf, LINKED, stateFrom } from "./fragment.js";

const WRITE_AFTER = 250; // ms: browsers refuse an address that changes in every frame

/** The fragment of an address, without its leading #. */
export function fragmentIn(address = window.location.href) {
    return new URL(address).hash.slice(1);
}

/**
 * @param {Store<State>} store
 * @param {Payload} payload
 */
export function linkAddress(store, payload) {
    /** @type {number | undefined} */
    let timer;

    function write() {
        clearTimeout(timer);
        timer = undefined;
        try {
            window.history.replaceState(null, "", `#${fragmentOf(store.get(), payload)}`);
        } catch {
            // Inside a notebook's frame the address cannot change; the page works without it.
        }
    }

    store.subscribe((_, changed) => {
        if (timer === undefined && LINKED.some((key) => changed.has(key))) {
            timer = window.setTimeout(write, WRITE_AFTER);
        }
    });
    window.addEventListener("pagehide", () => {
        if (timer !== undefined) {
            write();
        }
    });
    // The event's own address: a change that was still waiting may have overwritten the window's.
    window.addEventListener("hashchange", ({ newURL }) => {
        store.set(stateFrom(fragmentIn(newURL), payload));
    });
}
