/**
 * Descends in a thread of its own. Messages in: {method: "create" | "run" | "stop" | "step" |
 * "setLearningRate" | "load", values, generation}; out: progress with the generation of the last
 * load, so that the page can tell what was still on its way.
 */
import { createDescent } from "../math/descent.js";

const SLICE_MILLISECONDS = 25;

let descent = null;
let generation = 0;

self.onmessage = ({ data: { method, values, generation: asked } }) => {
    generation = asked;
    if (method === "create") {
        const onProgress = (progress) => self.postMessage({ ...progress, generation });
        descent = createDescent({ ...values[0], onProgress, sliceMilliseconds: SLICE_MILLISECONDS });
        self.postMessage({ ready: true });
    } else {
        descent[method](...values);
    }
};
