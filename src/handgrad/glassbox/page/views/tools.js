/**
 * The page's own tools: the tour, a link to what is shown, light and dark.
 *
 * @import { Page, Part } from "../main.js"
 */
import { element, setAttribute, setText } from "../drawing/elements.js";
import { fragmentOf } from "../state/fragment.js";

const SAID_FOR = 2500; // ms

/**
 * @param {Page} page
 * @param {MediaQueryList} preference whether the system is dark
 * @returns {Part}
 */
export function createTools({ store, payload }, preference) {
    const tour = element("button.tool", { text: "Take the tour", onclick: () => store.set({ tour: 0 }) });
    const theme = element("button.tool", {
        onclick: () => choose(store.get().theme === "dark" ? "light" : "dark"),
    });
    const link = element("button.tool", {
        text: "Copy link",
        title: "A link to this sample at this step",
        onclick: () => copy(),
    });
    const address = element("input.address", {
        readonly: true,
        hidden: true,
        "aria-label": "The link; copy it from here",
    });
    const said = element("span.unseen", { role: "status" });
    const node = element("div.row", {}, tour, link, address, theme, said);

    const remembered = stored();
    if (remembered !== null) {
        store.set({ theme: remembered });
    }
    preference.addEventListener("change", ({ matches }) => {
        if (stored() === null) {
            store.set({ theme: matches ? "dark" : "light" });
        }
    });

    /** @param {"light" | "dark"} next */
    function choose(next) {
        store.set({ theme: next });
        try {
            window.localStorage.setItem("handgrad-theme", next);
        } catch {
            // Not allowed here: the choice lasts until the page is closed.
        }
    }

    async function copy() {
        const text = `${window.location.href.split("#")[0]}#${fragmentOf(store.get(), payload)}`;
        try {
            await navigator.clipboard.writeText(text);
            say("Link copied");
        } catch {
            address.hidden = false;
            address.value = text;
            address.select();
            say("Copy the link from the field");
        }
    }

    /** @param {string} text */
    function say(text) {
        setText(said, text);
        setText(link, text);
        setTimeout(() => setText(link, "Copy link"), SAID_FOR);
    }

    return {
        node,
        render(state, changed) {
            if (changed.has("theme")) {
                const dark = state.theme === "dark";
                setText(theme, dark ? "Light" : "Dark");
                setAttribute(
                    theme,
                    "aria-label",
                    dark ? "Change to light colours" : "Change to dark colours",
                );
            }
        },
    };
}

function stored() {
    try {
        const theme = window.localStorage.getItem("handgrad-theme");
        return theme === "dark" || theme === "light" ? theme : null;
    } catch {
        return null;
    }
}
