/** The line to a native run: its controls, what it is doing, and whether it is still there. */
import { connectLive } from "../run/live_line.js";
import { remoteWanted } from "../state/fragment.js";
import { element, setText } from "../drawing/elements.js";
import { formatCount } from "../drawing/numbers.js";
import { remoteSample } from "./remote_pick.js";

/**
 * @param {object} store
 * @param {object} run
 * @returns {{controls: HTMLElement, notice: HTMLElement, setLearningRate: (rate: number) => void,
 *            line: () => object, connect: () => void, render: (state: object, changed: Set<string>) => void}}
 */
export function createLiveControls(store, run) {
    const start = element("button.primary", { text: "Start", onclick: () => line.start() });
    const stop = element("button.tool", { text: "Stop", onclick: () => line.stop() });
    const reset = element("button.quiet", { text: "Back to its beginning", onclick: () => line.reset() });
    const follow = element("input", {
        type: "checkbox",
        role: "switch",
        onchange: (event) => setFollowing(event.target.checked),
    });
    const standing = element("p", { role: "status" });
    const lost = element("p.notice.bad", {
        role: "alert",
        hidden: true,
        text: "The connection to the run is lost. Reconnecting … You can go on looking at the last network that arrived.",
    });
    const error = element("p.notice.bad", { role: "alert", hidden: true });
    const controls = element(
        "div.live",
        { id: "live-controls" },
        element("label.field", {}, follow, element("span", { text: "Follow the run on your computer" })),
        element("div.row", {}, start, stop, reset),
        standing,
    );
    let line = null;
    let newest = null; // what arrived last, also while nobody follows

    function setFollowing(following) {
        store.set({ following });
        if (following && newest !== null) {
            run.follow(newest.network, newest.iteration, newest.costs);
        } else if (!following) {
            run.takeOver();
        }
    }

    function change(part) {
        store.set({ live: { ...store.get().live, ...part } });
    }

    return {
        controls,
        notice: element("div", {}, lost, error),
        setLearningRate: (rate) => line.setLearningRate(rate),
        line: () => line,
        connect() {
            line = connectLive({
                onProgress(progress) {
                    newest = progress;
                    if (store.get().following) {
                        run.follow(progress.network, progress.iteration, progress.costs);
                    }
                },
                onState: (state) => change({ state }),
                onConnection: (connected) => change({ connected }),
            });
        },
        /** Opens the sample that a link names, which only the server has. */
        async openLinked(fragment, actions) {
            const wanted = remoteWanted(fragment);
            if (wanted === null) {
                return;
            }
            try {
                const { samples } = await line.samples({
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
                change({ state: { ...store.get().live?.state, error: failure.message } });
            }
        },
        render(state, changed) {
            if (!changed.has("live") && !changed.has("following") && !changed.has("view")) {
                return;
            }
            const { connected, state: remote } = state.live ?? {};
            lost.hidden = connected !== false;
            error.hidden = !remote?.error;
            setText(error, remote?.error ?? "");
            follow.checked = state.following;
            start.disabled = !connected || remote?.running === true || !state.following;
            stop.disabled = !connected || remote?.running !== true || !state.following;
            reset.disabled = !connected || !state.following;
            setText(standing, standingText(connected, remote));
        },
    };
}

function standingText(connected, remote) {
    if (!remote) {
        return "Connecting to the run …";
    }
    const where = remote.iterations
        ? `step ${formatCount(remote.iteration)} of ${formatCount(remote.iterations)}`
        : `step ${formatCount(remote.iteration)}`;
    return remote.running ? `Running: ${where}.` : `Stopped at ${where}.`;
}
