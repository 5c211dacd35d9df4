/**
 * The controls of a run on the server, what the run does, and whether the page is connected to it.
 *
 * @import { LiveLine, LiveProgress, LiveState } from "../run/live_line.js"
 * @import { LocalRun } from "../run/local_run.js"
 * @import { Actions } from "../state/actions.js"
 * @import { State } from "../state/state.js"
 * @import { Store } from "../state/store.js"
 *
 * @typedef {ReturnType<typeof createLiveControls>} LiveControls
 */
import { connectLive } from "../run/live_line.js";
import { remoteWanted } from "../state/fragment.js";
import { element, setText } from "../drawing/elements.js";
import { formatCount } from "../drawing/numbers.js";
import { remoteSample } from "./remote_pick.js";

/**
 * @param {Store<State>} store
 * @param {LocalRun} run
 */
export function createLiveControls(store, run) {
    const start = element("button.primary", { text: "Start", onclick: () => connected().start() });
    const stop = element("button.tool", { text: "Stop", onclick: () => connected().stop() });
    const reset = element("button.quiet", { text: "Back to the start", onclick: () => connected().reset() });
    const follow = element("input", {
        type: "checkbox",
        role: "switch",
        onchange: (event) => setFollowing(event.target.checked),
    });
    const standing = element("p", { role: "status" });
    const lost = element("p.notice.bad", {
        role: "alert",
        hidden: true,
        text: "The connection to the run is lost. The page tries to connect again. You can still look at the last network that arrived.",
    });
    const error = element("p.notice.bad", { role: "alert", hidden: true });
    const controls = element(
        "div.live",
        { id: "live-controls" },
        element("label.field", {}, follow, element("span", { text: "Follow the run on your computer" })),
        element("div.row", {}, start, stop, reset),
        standing,
    );
    /** @type {LiveLine | null} */
    let line = null;
    /** @type {LiveProgress | null} what arrived last, also while the page does not follow */
    let newest = null;

    function connected() {
        if (line === null) {
            throw new Error("The page is not connected to the run yet.");
        }
        return line;
    }

    /** @param {boolean} following */
    function setFollowing(following) {
        store.set({ following });
        if (following && newest !== null) {
            run.follow(newest.network, newest.iteration, newest.costs);
        } else if (!following) {
            run.takeOver();
        }
    }

    /** @param {Partial<NonNullable<State["live"]>>} part */
    function change(part) {
        store.set({ live: { ...store.get().live, ...part } });
    }

    return {
        controls,
        notice: element("div", {}, lost, error),
        /** @param {number} rate η */
        setLearningRate: (rate) => connected().setLearningRate(rate),
        line: connected,
        connect() {
            line = connectLive({
                onProgress(progress) {
                    newest = progress;
                    if (store.get().following) {
                        run.follow(progress.network, progress.iteration, progress.costs);
                    }
                },
                onState: (state) => change({ state }),
                onConnection: (isConnected) => change({ connected: isConnected }),
            });
        },
        /**
         * Opens the sample that a link names, which only the server has.
         *
         * @param {string} fragment
         * @param {Actions} actions
         */
        async openLinked(fragment, actions) {
            const wanted = remoteWanted(fragment);
            if (wanted === null) {
                return;
            }
            try {
                const { samples } = await connected().samples({
                    part: wanted.part,
                    first: wanted.index,
                    count: 1,
                    label: null,
                });
                if (samples.count === 1) {
                    const { step, view, entry } = store.get();
                    actions.choose(remoteSample(wanted.part, samples, 0), { step, view, entry });
                }
            } catch (failure) {
                setText(error, failure instanceof Error ? failure.message : String(failure));
                error.hidden = false;
            }
        },
        /**
         * @param {State} state
         * @param {Set<string>} changed
         */
        render(state, changed) {
            if (!changed.has("live") && !changed.has("following") && !changed.has("view")) {
                return;
            }
            const { connected: isConnected, state: remote } = state.live ?? {};
            lost.hidden = isConnected !== false;
            error.hidden = !remote?.error;
            setText(error, remote?.error ?? "");
            follow.checked = state.following;
            start.disabled = !isConnected || remote?.running === true || !state.following;
            stop.disabled = !isConnected || remote?.running !== true || !state.following;
            reset.disabled = !isConnected || !state.following;
            setText(standing, standingText(remote));
        },
    };
}

/** @param {LiveState | undefined} remote */
function standingText(remote) {
    if (!remote) {
        return "Connecting to the run …";
    }
    const where = remote.iterations
        ? `${remote.unit} ${formatCount(remote.iteration)} of ${formatCount(remote.iterations)}`
        : `${remote.unit} ${formatCount(remote.iteration)}`;
    return remote.running ? `Running: ${where}.` : `Stopped at ${where}.`;
}
