/**
 * Descends in a thread of its own. It receives messages of the form {method, values, generation}
 * and sends progress with the generation of the last load, so that the page can ignore progress
 * that was on its way when another network was loaded.
 *
 * @import { Descent, Progress } from "../math/descent.js"
 * @import { Network } from "../math/passes.js"
 *
 * @typedef {Omit<Parameters<typeof createDescent>[0], "onProgress" | "sliceMilliseconds">} Start
 * @typedef {{method: "create", values: [Start]}
 *     | {method: "run" | "stop", values: []}
 *     | {method: "step" | "setLearningRate", values: [number]}
 *     | {method: "load", values: [Network, number]}} Message
 */
import { createDescent } from "../math/descent.js";

const SLICE_MILLISECONDS = 25;

/** @type {Descent | null} */
let descent = null;
let generation = 0; // of the last load

self.onmessage = ({ data }) => {
    const { method, values } = /** @type {Message} */ (data);
    ({ generation } = data);
    if (method === "create") {
        /** @param {Progress} progress */
        const onProgress = (progress) => self.postMessage({ ...progress, generation });
        descent = createDescent({ ...values[0], onProgress, sliceMilliseconds: SLICE_MILLISECONDS });
        self.postMessage({ ready: true });
    } else if (method === "step") {
        descent?.step(...values);
    } else if (method === "setLearningRate") {
        descent?.setLearningRate(...values);
    } else if (method === "load") {
        descent?.load(...values);
    } else {
        descent?.[method]();
    }
};
