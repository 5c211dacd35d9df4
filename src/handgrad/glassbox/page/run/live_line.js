/**
 * The page's connection to a run that the server trains natively: its events and its requests.
 *
 * Every address is relative to the page's own, so that it contains the token, the first part
 * of the path. Each snapshot holds the whole network and curve, so a lost one does no harm.
 *
 * @import { Samples, SentModel } from "../data/payload.js"
 * @import { CostPoint } from "../math/descent.js"
 * @import { Network } from "../math/passes.js"
 *
 * @typedef {object} LiveProgress
 * @property {Network} network the newest one
 * @property {number} iteration steps or epochs taken so far
 * @property {CostPoint[]} costs on all training samples, at about 250 steps of the whole run
 * @typedef {object} LiveState
 * @property {boolean} running
 * @property {number} iteration steps or epochs taken so far
 * @property {number} iterations steps or epochs at which the run will end
 * @property {"step" | "epoch"} unit what an iteration is called
 * @property {number | null} learningRate null if the solver has none
 * @property {{train: number, test: number}} part_sizes samples in each part of the data set
 * @property {string | null} error what went wrong, as a sentence; null when all is well
 * @typedef {{part: "train" | "test", first?: number, count?: number, label?: number | null}} SamplesChoice
 *   `label` picks one class, counted from 0; `first` counts among the samples picked
 * @typedef {ReturnType<typeof connectLive>} LiveLine
 * @typedef {object} LiveSamples
 * @property {number} total how many there are of this kind in the part
 * @property {number} first the place of the first one among them
 * @property {Samples} samples
 */

import { decodeNetwork, decodeSamples } from "../data/payload.js";

const RETRY_AFTER = 3000; // ms, after the browser itself has given up

/**
 * Connects, and connects again whenever the connection is lost.
 *
 * @param {object} listeners
 * @param {(progress: LiveProgress) => void} listeners.onProgress
 * @param {(state: LiveState) => void} listeners.onState
 * @param {(connected: boolean) => void} listeners.onConnection told of changes only
 * @returns what the page may ask for. `start`, `stop`, `reset` and `setLearningRate` resolve to
 *   whether it was done, and never reject: a refusal arrives as the `error` of `onState`.
 */
export function connectLive({ onProgress, onState, onConnection }) {
    /** @type {LiveState | null} */
    let state = null;

    listen({
        onConnection,
        progress: (sent) =>
            onProgress({
                network: decodeNetwork(sent.model),
                iteration: sent.iteration,
                costs: sent.costs,
            }),
        state: (sent) => {
            state = sent;
            onState(sent);
        },
    });

    /**
     * @param {string} what
     * @param {object} body
     */
    async function ask(what, body = {}) {
        try {
            await send(what, body);
            return true;
        } catch (error) {
            if (state) {
                onState({ ...state, error: error instanceof Error ? error.message : String(error) });
            }
            return false;
        }
    }

    return {
        /** Continues the training of the newest network. */
        start: () => ask("start"),
        /** Stops after the step under way; nothing is lost. */
        stop: () => ask("stop"),
        /** Returns to the network at the start of the run. */
        reset: () => ask("reset"),
        /** @param {number} learningRate η from the next step on, also during a run */
        setLearningRate: (learningRate) => ask("learning-rate", { learningRate }),
        /**
         * Fetches samples of the whole data set.
         *
         * @param {SamplesChoice} choice
         * @returns {Promise<LiveSamples>} rejects with a sentence if the server cannot answer
         */
        samples: (choice) => fetchSamples(choice),
    };
}

/**
 * @param {object} listeners
 * @param {(sent: {model: SentModel, iteration: number, costs: CostPoint[]}) => void} listeners.progress
 * @param {(state: LiveState) => void} listeners.state
 * @param {(connected: boolean) => void} listeners.onConnection
 */
function listen({ progress, state, onConnection }) {
    /** @type {boolean | null} */
    let connected = null;
    const tell = (/** @type {boolean} */ now) => {
        if (now !== connected) {
            connected = now;
            onConnection(now);
        }
    };
    const open = () => {
        const events = new EventSource("./events");
        events.addEventListener("open", () => tell(true));
        events.addEventListener("progress", (event) => progress(JSON.parse(event.data)));
        events.addEventListener("state", (event) => state(JSON.parse(event.data)));
        events.addEventListener("error", () => {
            tell(false);
            if (events.readyState === EventSource.CLOSED) {
                setTimeout(open, RETRY_AFTER);
            }
        });
    };
    open();
}

/**
 * @param {string} what
 * @param {object} body
 */
async function send(what, body) {
    const response = await reach(`./${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
    });
    return answerOf(response);
}

/**
 * @param {SamplesChoice} choice
 * @returns {Promise<LiveSamples>}
 */
async function fetchSamples({ part, first = 0, count = 50, label = null }) {
    const query = new URLSearchParams({ part, first: String(first), count: String(count) });
    if (label !== null) {
        query.set("label", String(label));
    }
    const answer = await answerOf(await reach(`./samples?${query}`));
    return {
        total: answer.total,
        first: answer.first,
        samples: decodeSamples(answer.samples, answer.features),
    };
}

/**
 * @param {string} address
 * @param {RequestInit} [options]
 */
async function reach(address, options) {
    try {
        return await fetch(address, options);
    } catch {
        throw new Error("The program that trains the network cannot be reached.");
    }
}

/** @param {Response} response */
async function answerOf(response) {
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
        throw new Error(answer.error ?? `The server answered with ${response.status}.`);
    }
    return answer;
}
