/**
 * The drawing pad: a fine grid of ink under a pen, an eraser or the arrow keys. After every
 * change it reports the picture that the network sees, at most once per frame.
 *
 * @import { Palette } from "../drawing/colours.js"
 */
import { centred } from "../data/digit.js";
import { contextOf, element, setText } from "../drawing/elements.js";
import { colourStep, createPalette } from "../drawing/colours.js";
import { toLevels } from "../state/packing.js";

const FINENESS = 140; // cells of ink along the longer side
const PEN = 0.042; // radii, as parts of the longer side
const ERASER = 0.075;
const KEY_STRIDE = 0.03;
/** @type {Record<string, [number, number]>} */
const KEYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/**
 * @param {[number, number]} imageShape rows and columns of the network's picture
 * @param {(values: Float64Array) => void} onDrawn the picture, centred, on 256 levels
 * @returns {{node: HTMLElement, load: (values: Float64Array) => void, clear: () => void,
 *            setPalette: (palette: Palette) => void, setTool: (tool: "pen" | "eraser") => void}}
 */
export function createPad([rows, columns], onDrawn) {
    const scale = Math.max(1, Math.round(FINENESS / Math.max(rows, columns)));
    const [width, height] = [columns * scale, rows * scale];
    const ink = new Float64Array(width * height);
    const canvas = element("canvas", { width, height, "aria-hidden": "true" });
    const cursor = element("div.pad-cursor", { hidden: true });
    const hint = element("p.pad-hint", { text: "Draw here", "aria-hidden": "true" });
    const said = element("p.unseen", { role: "status" });
    const surface = element(
        "div.pad-surface",
        {
            tabindex: "0",
            role: "application",
            "aria-label":
                "Drawing pad. Arrow keys move the pen, Space puts it down or lifts it, Delete clears.",
        },
        canvas,
        cursor,
        hint,
    );
    surface.style.aspectRatio = `${columns} / ${rows}`;
    const node = element("div.pad", {}, surface, said);

    const context = contextOf(canvas);
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    let palette = createPalette(false);
    let tool = "pen";
    /** @type {{x: number, y: number} | null} where the pen is in the current stroke */
    let last = null;
    let waiting = false;
    const keyboard = { x: width / 2, y: height * 0.25, down: false };

    /**
     * @param {number} left
     * @param {number} top
     * @param {number} right
     * @param {number} bottom
     */
    function paint(left, top, right, bottom) {
        for (let y = top; y < bottom; y++) {
            for (let x = left; x < right; x++) {
                pixels[y * width + x] = palette.words[colourStep(ink[y * width + x], palette.contrast)];
            }
        }
        context.putImageData(image, 0, 0, left, top, right - left, bottom - top);
    }

    /**
     * @param {number} x
     * @param {number} y
     */
    function stamp(x, y) {
        const radius = (tool === "pen" ? PEN : ERASER) * Math.max(width, height);
        const left = Math.max(0, Math.floor(x - radius - 1));
        const right = Math.min(width, Math.ceil(x + radius + 2));
        const top = Math.max(0, Math.floor(y - radius - 1));
        const bottom = Math.min(height, Math.ceil(y + radius + 2));
        for (let row = top; row < bottom; row++) {
            for (let col = left; col < right; col++) {
                const distance = Math.hypot(col + 0.5 - x, row + 0.5 - y);
                const strength = Math.min(1, Math.max(0, (radius - distance) / 2 + 0.5));
                const place = row * width + col;
                ink[place] =
                    tool === "pen" ? Math.max(ink[place], strength) : Math.min(ink[place], 1 - strength);
            }
        }
        if (left < right && top < bottom) {
            paint(left, top, right, bottom);
        }
    }

    /**
     * @param {number} x
     * @param {number} y
     */
    function lineTo(x, y) {
        const from = last ?? { x, y };
        const steps = Math.max(1, Math.ceil(Math.hypot(x - from.x, y - from.y) / 2));
        for (let n = 1; n <= steps; n++) {
            stamp(from.x + ((x - from.x) * n) / steps, from.y + ((y - from.y) * n) / steps);
        }
        last = { x, y };
        changed();
    }

    function changed() {
        hint.hidden = true;
        if (!waiting) {
            waiting = true;
            requestAnimationFrame(() => {
                waiting = false;
                onDrawn(toLevels(centred(ink, width, height, [rows, columns])));
            });
        }
    }

    /** @param {PointerEvent} event */
    function follow(event) {
        const box = canvas.getBoundingClientRect();
        const moves = event.getCoalescedEvents?.() ?? [];
        for (const move of moves.length > 0 ? moves : [event]) {
            lineTo(
                ((move.clientX - box.left) / box.width) * width,
                ((move.clientY - box.top) / box.height) * height,
            );
        }
    }

    surface.addEventListener("pointerdown", (event) => {
        if (event.button === 0) {
            surface.setPointerCapture(event.pointerId);
            last = null;
            follow(event);
        }
    });
    surface.addEventListener("pointermove", (event) => {
        if (last !== null && surface.hasPointerCapture(event.pointerId)) {
            follow(event);
        }
    });
    for (const end of ["pointerup", "pointercancel"]) {
        surface.addEventListener(end, () => {
            last = null;
        });
    }

    surface.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.altKey || event.metaKey) {
            return;
        }
        if (event.key === " ") {
            keyboard.down = !keyboard.down;
            last = null;
            if (keyboard.down) {
                lineTo(keyboard.x, keyboard.y);
            }
            setText(said, keyboard.down ? "Pen down" : "Pen up");
        } else if (event.key === "Delete" || event.key === "Backspace") {
            clear();
        } else if (event.key in KEYS) {
            const [dx, dy] = KEYS[event.key];
            const stride = KEY_STRIDE * Math.max(width, height) * (event.shiftKey ? 3 : 1);
            keyboard.x = Math.min(width - 1, Math.max(1, keyboard.x + dx * stride));
            keyboard.y = Math.min(height - 1, Math.max(1, keyboard.y + dy * stride));
            if (keyboard.down) {
                lineTo(keyboard.x, keyboard.y);
            }
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
        showCursor();
    });
    surface.addEventListener("focus", () => {
        cursor.hidden = !surface.matches(":focus-visible");
        showCursor();
    });
    surface.addEventListener("blur", () => {
        cursor.hidden = true;
        keyboard.down = false;
        last = null;
    });

    function showCursor() {
        cursor.style.left = `${(keyboard.x / width) * 100}%`;
        cursor.style.top = `${(keyboard.y / height) * 100}%`;
        cursor.classList.toggle("down", keyboard.down);
    }

    function clear() {
        ink.fill(0);
        last = null;
        paint(0, 0, width, height);
        changed();
        hint.hidden = false;
    }

    return {
        node,
        clear,
        /** Shows a picture as ink, so that it can be drawn on. */
        load(values) {
            for (let y = 0; y < height; y++) {
                for (let x = 0; x < width; x++) {
                    ink[y * width + x] = between(
                        values,
                        rows,
                        columns,
                        (y + 0.5) / scale - 0.5,
                        (x + 0.5) / scale - 0.5,
                    );
                }
            }
            hint.hidden = values.some((value) => value > 0);
            paint(0, 0, width, height);
        },
        setPalette(next) {
            palette = next;
            paint(0, 0, width, height);
        },
        setTool(next) {
            tool = next;
        },
    };
}

/**
 * The picture's value between its pixels.
 *
 * @param {Float64Array} values
 * @param {number} rows
 * @param {number} columns
 * @param {number} y
 * @param {number} x
 */
function between(values, rows, columns, y, x) {
    const [top, left] = [Math.floor(y), Math.floor(x)];
    let value = 0;
    for (const i of [top, top + 1]) {
        for (const j of [left, left + 1]) {
            if (i >= 0 && i < rows && j >= 0 && j < columns) {
                value += values[i * columns + j] * (1 - Math.abs(y - i)) * (1 - Math.abs(x - j));
            }
        }
    }
    return value;
}
