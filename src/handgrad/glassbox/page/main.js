/** The page: reads what it was given, makes the store and the views, and draws what changed. */
import { readPayload } from "./data/payload.js";
import { createPalette } from "./drawing/colours.js";
import { element, setText } from "./drawing/elements.js";
import { createActions } from "./state/actions.js";
import { createDerived } from "./state/derived.js";
import { fragmentOf, LINKED, stateFrom, VIEWS } from "./state/fragment.js";
import { firstSample } from "./state/samples.js";
import { createOrder } from "./state/order.js";
import { createLocalRun } from "./run/local_run.js";
import { createStore } from "./state/store.js";
import { createTour } from "./tour.js";
import { createConfusionView } from "./views/confusion.js";
import { createDescendView } from "./views/descend.js";
import { createDrawView } from "./views/draw.js";
import { createSampleBar } from "./views/sample_bar.js";
import { createLabelsView } from "./views/labels.js";
import { createLegend } from "./views/legend.js";
import { createLiveControls } from "./views/live_controls.js";
import { createMaskView } from "./views/mask.js";
import { createBreakView } from "./views/break_it.js";
import { createPassView } from "./views/pass.js";
import { createTools } from "./views/tools.js";

const TITLES = {
    draw: "Draw",
    pass: "The pass",
    mask: "The mask",
    labels: "Labels",
    descend: "Descend",
    break: "Break it",
    confusion: "Confusions",
};
const CREATORS = {
    draw: createDrawView,
    pass: createPassView,
    mask: createMaskView,
    labels: createLabelsView,
    descend: createDescendView,
    break: createBreakView,
    confusion: createConfusionView,
};
const WITH_LEGEND = ["pass", "descend"]; // views that hold one themselves
const WRITE_ADDRESS_AFTER = 250; // ms: browsers refuse an address that changes every frame

/** Everything that the state holds besides the payload; see the views for what each key means. */
function initialState(payload, dark) {
    const [first = 0] = payload.show?.samples ?? [];
    const companions = payload.show?.samples?.length ?? 1;
    return {
        view: payload.live ? "descend" : payload.show ? "pass" : "draw",
        step: payload.show?.step ?? 0,
        entry: null, // the entry that was chosen: {name, row, col}
        hover: null, // the entry that is pointed at
        sample: firstSample(payload, first),
        meant: null, // the label that a learner says the first sample has
        about: null, // the class that the overview explains; null is the prediction
        m: Math.min(64, companions),
        column: 0, // the batch's sample that the mask is shown for
        sums: false, // gradients as sums over samples
        added: null, // how many shares have been added up; null is all
        mistakes: [],
        learningRate: payload.learningRate,
        network: payload.network,
        iteration: 0,
        costs: [],
        running: false,
        diverged: false,
        undo: [],
        base: payload.network, // what "changed since the start" compares with
        changesOnly: false, // whether W1's pictures show what has changed
        picking: "all",
        cell: null, // of the confusion matrix
        contrast: 1,
        theme: dark ? "dark" : "light",
        tour: null, // the stop of the tour
        live: null, // what the server says: {connected, state}
        following: payload.live,
        resized: 0,
    };
}

function start() {
    const read = readPayload(document);
    const payload = { ...read, order: createOrder(read) };
    const preference = window.matchMedia("(prefers-color-scheme: dark)");
    const store = createStore({
        ...initialState(payload, preference.matches),
        ...stateFrom(currentFragment(), payload),
    });
    const derived = createDerived(payload);
    const palettes = {
        light: () => createPalette(false, store.get().contrast),
        dark: () => createPalette(true, store.get().contrast),
    };
    let palette = palettes[store.get().theme]();
    const run = createLocalRun(store, payload, derived);
    const liveControls = payload.live ? createLiveControls(store, run) : null;
    const page = {
        store,
        payload,
        derived,
        run,
        liveControls,
        line: () => liveControls.line(),
        palette: () => palette,
        actions: createActions(store, payload),
    };

    const sampleBar = createSampleBar(page);
    const legend = createLegend(page);
    const tour = createTour(page);
    const tools = createTools(page, preference);
    const place = (id, ...nodes) => document.getElementById(id).append(...nodes.filter(Boolean));
    place("tools", tools.node);
    place("sample", sampleBar.node);
    place("tour", tour.node);
    place("notices", liveControls?.notice);
    const footLegend = element("div", {}, legend.node);
    place("foot", footLegend, element("p.note", { text: footText(payload) }));
    const tabs = createTabs(store);
    place("views", ...tabs.nodes);

    const content = document.getElementById("content");
    const views = new Map(); // made when first shown
    const unseen = new Map(VIEWS.map((name) => [name, new Set()]));
    let current = null;

    function showView(name) {
        views.get(current)?.leave?.();
        current = name;
        if (!views.has(name)) {
            views.set(name, CREATORS[name](page));
        }
        content.replaceChildren(views.get(name).node);
        footLegend.hidden = WITH_LEGEND.includes(name);
        document.title = `${TITLES[name]} · The glass box`;
        window.scrollTo(0, 0);
    }

    function render(state, changed) {
        if (changed.has("theme") || changed.has("contrast")) {
            document.documentElement.dataset.theme = state.theme;
            palette = palettes[state.theme]();
        }
        const isNew = !views.has(state.view);
        unseen.forEach((keys) => changed.forEach((key) => keys.add(key)));
        if (state.view !== current) {
            showView(state.view);
        }
        const due = isNew ? new Set([...Object.keys(state)]) : unseen.get(state.view);
        unseen.set(state.view, new Set());
        for (const part of [tabs, tools, sampleBar, legend, liveControls, tour]) {
            part?.render(state, changed);
        }
        views.get(state.view).render(state, due);
        tour.place(state);
    }

    store.subscribe(render);
    store.subscribe(addressWriter(store, payload));
    listen(store, payload, views);
    render(store.get(), new Set(Object.keys(store.get())));
    if (liveControls) {
        liveControls.connect();
        liveControls.openLinked(currentFragment(), page.actions);
    }
}

/** The names of the views, as buttons of a navigation. */
function createTabs(store) {
    const nodes = VIEWS.map((view) =>
        element("button.tab", { text: TITLES[view], onclick: () => store.set({ view, hover: null }) }),
    );
    return {
        nodes,
        render(state, changed) {
            if (!changed.has("view")) {
                return;
            }
            VIEWS.forEach((view, n) => {
                if (view === state.view) {
                    nodes[n].setAttribute("aria-current", "page");
                    const strip = nodes[n].parentElement;
                    strip.scrollLeft = nodes[n].offsetLeft - (strip.clientWidth - nodes[n].offsetWidth) / 2;
                } else {
                    nodes[n].removeAttribute("aria-current");
                }
            });
        },
    };
}

/** Keeps the address in step with the state, where the browser lets a page do that. */
function addressWriter(store, payload) {
    let timer = null;
    return (_, changed) => {
        if (timer === null && LINKED.some((key) => changed.has(key))) {
            timer = setTimeout(() => {
                timer = null;
                try {
                    window.history.replaceState(null, "", `#${fragmentOf(store.get(), payload)}`);
                } catch {
                    // Inside a notebook's frame an address cannot change; the page does without.
                }
            }, WRITE_ADDRESS_AFTER);
        }
    };
}

function listen(store, payload, views) {
    window.addEventListener("hashchange", () => store.set(stateFrom(currentFragment(), payload)));
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
        if (window.innerWidth !== width) {
            width = window.innerWidth;
            store.set({ resized: store.get().resized + 1 });
        }
    });
    document.addEventListener("keydown", (event) => {
        const nowhere =
            event.target === document.body ||
            event.target.id === "content" ||
            event.target.closest?.(".views");
        if (nowhere && store.get().view === "pass") {
            views.get("pass")?.key(event);
        }
    });
}

function currentFragment() {
    return window.location.hash.slice(1);
}

function footText({ D, H, K, samples }) {
    return `${D} features, ${H} hidden units, ${K} classes, ${samples.count} embedded samples. Everything is computed in this page; nothing leaves it.`;
}

/** Says what is wrong where the data cannot be read, instead of showing an empty page. */
try {
    start();
} catch (error) {
    setText(document.getElementById("content"), `This page cannot be shown: ${error.message}`);
    throw error;
}
