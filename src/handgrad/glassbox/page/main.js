/**
 * The page: reads its data, creates the store and the views, and draws what has changed.
 *
 * @import { Payload } from "./data/payload.js"
 * @import { Palette } from "./drawing/colours.js"
 * @import { LiveLine } from "./run/live_line.js"
 * @import { LocalRun } from "./run/local_run.js"
 * @import { Actions } from "./state/actions.js"
 * @import { Derived } from "./state/derived.js"
 * @import { State } from "./state/state.js"
 * @import { Store } from "./state/store.js"
 * @import { LiveControls } from "./views/live_controls.js"
 *
 * @typedef {(state: State, changed: Set<string>) => void} Render draws what has changed
 * @typedef {{node: HTMLElement, render: Render}} Part a part of the page
 * @typedef {{node: HTMLElement, render: Render, leave?: () => void, key?: (event: KeyboardEvent) => void}} View
 *   `leave` is called when another view is shown; `key` receives keys that no element has used
 * @typedef {object} Page what every part of the page can use
 * @property {Store<State>} store
 * @property {Payload} payload
 * @property {Derived} derived
 * @property {LocalRun} run
 * @property {LiveControls | null} liveControls null if no server answers the page
 * @property {() => LiveLine} line the connection to the server
 * @property {() => Palette} palette
 * @property {Actions} actions
 */
import { readPayload } from "./data/payload.js";
import { createPalette } from "./drawing/colours.js";
import { element, elementById, setText } from "./drawing/elements.js";
import { createLocalRun } from "./run/local_run.js";
import { createActions } from "./state/actions.js";
import { fragmentIn, linkAddress } from "./state/address.js";
import { createDerived } from "./state/derived.js";
import { stateFrom, VIEWS } from "./state/fragment.js";
import { createOrder } from "./state/order.js";
import { initialState } from "./state/state.js";
import { createStore } from "./state/store.js";
import { createTour } from "./tour.js";
import { createBreakView } from "./views/break_it.js";
import { createConfusionView } from "./views/confusion.js";
import { createDescendView } from "./views/descend.js";
import { createDrawView } from "./views/draw.js";
import { createLabelsView } from "./views/labels.js";
import { createLegend } from "./views/legend.js";
import { createLiveControls } from "./views/live_controls.js";
import { createMaskView } from "./views/mask.js";
import { createPassView } from "./views/pass.js";
import { createSampleBar } from "./views/sample_bar.js";
import { createTabs, TITLES } from "./views/tabs.js";
import { createTools } from "./views/tools.js";

/** @type {Record<string, (page: Page) => View>} */
const CREATORS = {
    draw: createDrawView,
    pass: createPassView,
    mask: createMaskView,
    labels: createLabelsView,
    descend: createDescendView,
    break: createBreakView,
    confusion: createConfusionView,
};
const WITH_LEGEND = ["pass", "descend"]; // views that contain a legend

function start() {
    const read = readPayload(document);
    const payload = { ...read, order: createOrder(read) };
    const preference = window.matchMedia("(prefers-color-scheme: dark)");
    const store = createStore({
        ...initialState(payload, preference.matches),
        ...stateFrom(fragmentIn(), payload),
    });
    const page = createPage(store, payload);
    const views = createViews(page);
    const legend = createLegend(page);
    const tour = createTour(page);
    const tools = createTools(page, preference);
    const sampleBar = createSampleBar(page);
    const tabs = createTabs(store);
    const footLegend = element("div", {}, legend.node);
    elementById("tools").append(tools.node);
    elementById("views").append(...tabs.nodes);
    elementById("sample").append(sampleBar.node);
    elementById("tour").append(tour.node);
    elementById("foot").append(footLegend, element("p.note", { text: footText(payload) }));
    if (page.liveControls) {
        elementById("notices").append(page.liveControls.notice);
    }

    /** @type {Render} */
    function render(state, changed) {
        for (const part of [tabs, tools, sampleBar, legend, page.liveControls, tour]) {
            part?.render(state, changed);
        }
        views.render(state, changed);
        footLegend.hidden = WITH_LEGEND.includes(state.view);
        tour.place(state);
    }

    store.subscribe(render);
    linkAddress(store, payload);
    listen(store, views);
    render(store.get(), new Set(Object.keys(store.get())));
    if (page.liveControls) {
        page.liveControls.connect();
        page.liveControls.openLinked(fragmentIn(), page.actions);
    }
}

/**
 * @param {Store<State>} store
 * @param {Payload} payload
 * @returns {Page}
 */
function createPage(store, payload) {
    const derived = createDerived(payload);
    const run = createLocalRun(store, payload, derived);
    const liveControls = payload.live ? createLiveControls(store, run) : null;
    const colours = () => {
        const { theme, contrast } = store.get();
        if (palette?.dark !== (theme === "dark") || palette.contrast !== contrast) {
            palette = createPalette(theme === "dark", contrast);
        }
        return palette;
    };
    /** @type {Palette | null} */
    let palette = null;
    return {
        store,
        payload,
        derived,
        run,
        liveControls,
        line() {
            if (liveControls === null) {
                throw new Error("No server answers this page.");
            }
            return liveControls.line();
        },
        palette: colours,
        actions: createActions(store, payload),
    };
}

/**
 * The views. Each is created when it is first shown, and draws nothing while another one is shown.
 *
 * @param {Page} page
 */
function createViews(page) {
    const content = elementById("content");
    /** @type {Map<string, View>} */
    const views = new Map();
    /** @type {Map<string, Set<string>>} */
    const undrawn = new Map(VIEWS.map((name) => [name, new Set()])); // changed, but not drawn yet
    /** @type {string | null} */
    let current = null;

    /** @param {string} name */
    function show(name) {
        if (current !== null) {
            views.get(current)?.leave?.();
        }
        current = name;
        const view = views.get(name) ?? CREATORS[name](page);
        views.set(name, view);
        content.replaceChildren(view.node);
        document.title = `${TITLES[name]} · The glass box`;
        window.scrollTo(0, 0);
    }

    return {
        /** @type {Render} */
        render(state, changed) {
            if (changed.has("theme")) {
                document.documentElement.dataset.theme = state.theme;
            }
            const isNew = !views.has(state.view);
            undrawn.forEach((keys) => changed.forEach((key) => keys.add(key)));
            if (state.view !== current) {
                show(state.view);
            }
            const due = isNew ? new Set(Object.keys(state)) : undrawn.get(state.view);
            undrawn.set(state.view, new Set());
            views.get(state.view)?.render(state, due ?? new Set());
        },
        /** @param {KeyboardEvent} event a key that no element has used */
        key: (event) => (current === null ? undefined : views.get(current)?.key?.(event)),
    };
}

/**
 * @param {Store<State>} store
 * @param {ReturnType<typeof createViews>} views
 */
function listen(store, views) {
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
        if (window.innerWidth !== width) {
            width = window.innerWidth;
            store.set({ resized: store.get().resized + 1 });
        }
    });
    document.addEventListener("keydown", (event) => {
        const { target } = event;
        const isFree =
            target instanceof Element &&
            (target === document.body || target.id === "content" || target.closest(".views") !== null);
        if (isFree) {
            views.key(event);
        }
    });
}

/** @param {Payload} payload */
function footText({ D, H, K, samples }) {
    return `${D} features, ${H} hidden units, ${K} classes, ${samples.count} embedded samples. This page computes everything itself; your data does not leave it.`;
}

/** If the data cannot be read, the page says what is wrong instead of staying empty. */
try {
    start();
} catch (error) {
    setText(elementById("content"), `This page cannot be shown: ${messageOf(error)}`);
    throw error;
}

/** @param {unknown} error */
function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}
