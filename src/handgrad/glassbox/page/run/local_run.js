/**
 * Descent from the page: steps, runs, undo and fresh starts. It writes `network`, `iteration`,
 * `costs`, `running`, `diverged` and `undo` of the state.
 *
 * @import { Payload } from "../data/payload.js"
 * @import { CostPoint, Progress } from "../math/descent.js"
 * @import { Matrix } from "../math/matrix.js"
 * @import { Network } from "../math/passes.js"
 * @import { Trainer } from "./trainer.js"
 * @import { Derived } from "../state/derived.js"
 * @import { State } from "../state/state.js"
 * @import { Store } from "../state/store.js"
 *
 * @typedef {ReturnType<typeof createLocalRun>} LocalRun
 */
import { initialNetwork } from "../math/passes.js";
import { matrix } from "../math/matrix.js";
import { createTrainer } from "./trainer.js";

const MOST_UNDOS = 50;
const MOST_POINTS = 4000;

/**
 * @param {Store<State>} store
 * @param {Payload} payload
 * @param {Derived} derived
 */
export function createLocalRun(store, payload, derived) {
    /** @type {Trainer | null} */
    let trainer = null;
    let lastSeed = 0;

    function ready() {
        if (trainer === null) {
            const { X, y } = derived.dataset();
            if (y === null) {
                throw new Error("The embedded samples have no labels.");
            }
            const { network, learningRate, iteration } = store.get();
            trainer = createTrainer({ network, X, y, learningRate, onProgress: takeProgress });
            trainer.load(network, iteration);
        }
        return trainer;
    }

    /** @param {Progress} progress */
    function takeProgress({ network, iteration, costs, running, diverged }) {
        store.set({ network, iteration, running, diverged, costs: joined(store.get().costs, costs) });
    }

    /** @param {{learningRate?: number}} [more] what else an undo brings back */
    function remember(more = {}) {
        const { network, iteration, costs, base, undo } = store.get();
        store.set({ undo: [...undo, { network, iteration, costs, base, ...more }].slice(-MOST_UNDOS) });
    }

    /** @param {number} learningRate */
    function setLearningRate(learningRate) {
        store.set({ learningRate });
        trainer?.setLearningRate(learningRate);
    }

    /**
     * Continues from another network, and remembers the one before.
     *
     * @param {Network} network
     * @param {number} iteration
     * @param {CostPoint[]} costs
     */
    function replace(network, iteration, costs) {
        remember();
        load(network, iteration, costs);
    }

    /**
     * @param {Network} network
     * @param {number} iteration
     * @param {CostPoint[]} costs
     */
    function load(network, iteration, costs) {
        store.set({ network, iteration, costs, running: false, diverged: false });
        if (derived.dataset().y !== null) {
            ready().load(network, iteration);
        }
    }

    return {
        /** @returns {boolean} whether there are labels to learn from */
        possible: () => derived.dataset().y !== null,
        /** @param {number} count */
        step(count) {
            remember();
            ready().step(count);
        },
        run() {
            remember();
            store.set({ running: true });
            ready().run();
        },
        stop() {
            ready().stop();
        },
        /**
         * Steps with another η, which an undo brings back as well.
         *
         * @param {number} learningRate
         * @param {number} count
         */
        tryRate(learningRate, count) {
            remember({ learningRate: store.get().learningRate });
            setLearningRate(learningRate);
            ready().step(count);
        },
        setLearningRate,
        undo() {
            const { undo } = store.get();
            const last = undo.at(-1);
            if (last !== undefined) {
                store.set({ undo: undo.slice(0, -1), base: last.base });
                load(last.network, last.iteration, last.costs);
                if (last.learningRate !== undefined) {
                    setLearningRate(last.learningRate);
                }
            }
        },
        /** Back to the network that the page came with. */
        reset() {
            replace(payload.network, 0, []);
            store.set({ base: payload.network });
            setLearningRate(payload.learningRate);
        },
        /** New initial values, different each time. */
        fresh() {
            lastSeed += 1;
            const network = initialNetwork(payload.D, payload.H, payload.K, lastSeed);
            replace(network, 0, []);
            store.set({ base: network });
        },
        /**
         * Multiplies the output layer, so that the logits are that many times larger.
         *
         * @param {number} factor
         */
        enlargeLogits(factor) {
            const { network, iteration, costs } = store.get();
            const times = (/** @type {Matrix} */ M) =>
                matrix(
                    M.rows,
                    M.cols,
                    M.data.map((value) => value * factor),
                );
            replace({ ...network, W2: times(network.W2), b2: times(network.b2) }, iteration, costs);
        },
        /**
         * Takes a network from elsewhere, which keeps its own history.
         *
         * @param {Network} network
         * @param {number} iteration
         * @param {CostPoint[]} costs
         */
        follow(network, iteration, costs) {
            store.set({ network, iteration, costs });
        },
        /** Continues from the network that is shown, after another run was followed. */
        takeOver() {
            const { network, iteration, costs } = store.get();
            store.set({ undo: [] });
            load(network, iteration, costs);
        },
    };
}

/**
 * New points after the old ones; they replace old points of the same steps.
 *
 * @param {CostPoint[]} old
 * @param {CostPoint[]} added
 */
function joined(old, added) {
    if (added.length === 0) {
        return old;
    }
    const kept = old.filter(([iteration]) => iteration < added[0][0]);
    const all = [...kept, ...added];
    return all.length <= MOST_POINTS ? all : all.filter((_, n) => n % 2 === 0 || n === all.length - 1);
}
