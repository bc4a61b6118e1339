// The shift explorer: a digit is moved, and each stage is compared with that of the digit not moved. As shift_explorer.py.
import { number } from "./arithmetic.js";
import { choice, coalesce, darkTheme, html, setter, slider, watch } from "./drawing.js";

const FIELD = 40;
const FARTHEST = 8;
const STAGES = ["input", "convolution", "stride", "pooling", "global"];
const WINDOWS = [2, 4, 8];

/** A map: values row by row, and its side. */
const map = (side, at) => ({ side, values: Float64Array.from({ length: side * side }, (_, i) => at(Math.floor(i / side), i % side)) });

/** The digit (28×28 bytes) in the larger field, moved to the right. */
export function field(digit, shift, paper) {
  const margin = (FIELD - 28) / 2;
  return map(FIELD, (i, j) => {
    const [row, column] = [i - margin, j - margin - shift];
    const ink = row >= 0 && row < 28 && column >= 0 && column < 28 ? digit[row * 28 + column] / 255 : 0;
    return paper === "black" ? ink : 1 - ink;
  });
}

/** What the picture becomes, stage by stage. */
export function stages(picture, kernel, window) {
  const at = (i, j) => (i >= 0 && j >= 0 && i < FIELD && j < FIELD ? picture.values[i * FIELD + j] : 0);
  const convolution = map(FIELD, (i, j) => {
    let sum = 0;
    kernel.forEach((row, k) => row.forEach((weight, l) => (sum += weight * at(i + k - 1, j + l - 1))));
    return Math.max(0, sum);
  });
  const value = (i, j) => convolution.values[i * FIELD + j];
  const largest = (top, left, size) => {
    let most = 0;
    for (let i = top; i < top + size; i++) for (let j = left; j < left + size; j++) most = Math.max(most, value(i, j));
    return most;
  };
  const few = FIELD / window;
  return {
    input: picture,
    convolution,
    stride: map(few, (i, j) => value(i * window, j * window)),
    pooling: map(few, (i, j) => largest(i * window, j * window, window)),
    global: map(1, () => largest(0, 0, FIELD)),
  };
}

/** Change of a map against another moved by `offset` columns, where the two overlap. */
export function change(before, after, offset = 0) {
  const { side } = before;
  let [length, difference] = [0, 0];
  for (let i = 0; i < side; i++)
    for (let j = Math.max(0, -offset); j < side - Math.max(0, offset); j++) {
      const old = before.values[i * side + j];
      length += old * old;
      difference += (after.values[i * side + j + offset] - old) ** 2;
    }
  return length ? Math.sqrt(difference / length) : Number(difference > 0);
}

/** The two numbers of one stage: against the map not moved, and against its best moved copy. */
export function measure(before, after, shift) {
  const columns = (shift * before.side) / FIELD; // the move in columns of the map: both neighbours of a broken number
  const offsets = [Math.floor(columns), Math.ceil(columns)].filter((offset) => Math.abs(offset) < before.side);
  return [change(before, after), Math.min(...offsets.map((offset) => change(before, after, offset)))];
}

function renderShift({ model, el }) {
  const set = setter(model);
  const digit = slider({ control: "digit", label: "digit", onInput: (value) => set({ digit: value }) });
  const shift = slider({ control: "shift", label: "move by … pixels", onInput: (value) => set({ shift: value }) });
  const size = slider({ control: "window", label: "stride and window", symbol: "S", onInput: (at) => set({ window: WINDOWS[at] }) });
  const kernel = choice({ control: "kernel", label: "kernel", words: Object.keys(model.get("_kernels")), onInput: (word) => set({ kernel: word }) });
  const paper = choice({ control: "paper", label: "paper", words: [["black", "black (as in MNIST)"], ["white", "white"]], onInput: (word) => set({ paper: word }) });

  const titles = STAGES.map(() => html("h4"));
  const pictures = ["still", "moved"].map(() => STAGES.map((name) => (name === "global" ? html("div", { class: "vl-one" }) : html("canvas", { "aria-hidden": "true" }))));
  const numbers = [0, 1].map((row) => STAGES.map((name) => {
    const value = html("b", { "data-measured": `${name}-${row ? "along" : "still"}` });
    const bar = html("i", { "aria-hidden": "true" });
    return { value, bar, element: html("div", { class: "vl-part-of" }, value, bar) };
  }));
  const movedBy = html("span");
  const grid = html(
    "div",
    { class: "vl-shift" },
    html("span"), ...titles,
    html("span", {}, "not moved"), ...pictures[0],
    movedBy, ...pictures[1],
    html("span", {}, "change against ‘not moved’ (0: invariant)"), ...numbers[0].map((one) => one.element),
    html("span", {}, "change against its best moved copy (0: equivariant)"), ...numbers[1].map((one) => one.element),
  );
  const said = html("p", { role: "status", "aria-live": "polite" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Shift explorer" },
    html("div", { class: "vl-bar" }, shift.element, size.element, digit.element, kernel.element, paper.element),
    grid,
    said,
    html("p", { class: "vl-note" }, "Change: length of the difference of two maps, in % of the length of the first. The moved copy has moved as far as the digit; where that is not a whole number of cells, the better of the two neighbours counts."),
  );
  el.append(root);

  const digits = model.get("_pixels");
  const bytes = new Uint8Array(digits.buffer, digits.byteOffset, digits.byteLength);

  function draw() {
    darkTheme(root);
    const now = Object.fromEntries(["digit", "shift", "window", "kernel", "paper"].map((name) => [name, model.get(name)]));
    digit.show(now.digit, 0, 9);
    shift.show(now.shift, -FARTHEST, FARTHEST);
    size.show(WINDOWS.indexOf(now.window), 0, WINDOWS.length - 1);
    kernel.show(now.kernel);
    paper.show(now.paper);
    for (const [control, words] of [[shift, number(now.shift)], [size, String(now.window)]]) {
      control.element.querySelector("output").textContent = words;
      control.element.querySelector("input").setAttribute("aria-valuetext", words);
    }
    const image = bytes.subarray(784 * now.digit, 784 * (now.digit + 1));
    const [still, moved] = [0, now.shift].map((by) => stages(field(image, by, now.paper), model.get("_kernels")[now.kernel], now.window));
    const names = [["input", ""], ["convolution", "3×3, padded, then ReLU"], [`stride ${now.window}`, "of the convolution"], [`${now.window}×${now.window} max pooling`, "of the convolution"], ["global max", "one number"]];
    names.forEach(([name, more], i) => titles[i].replaceChildren(name, html("small", {}, more || "40×40")));
    movedBy.textContent = `moved by ${number(now.shift)}`;
    const all = STAGES.map((name) => measure(still[name], moved[name], now.shift));
    STAGES.forEach((name, i) => {
      const most = Math.max(1e-9, ...still[name].values, ...moved[name].values);
      [still, moved].forEach((maps, row) => {
        if (name === "global") pictures[row][i].textContent = maps[name].values[0].toFixed(2);
        else paintMap(pictures[row][i], maps[name], most);
      });
      all[i].forEach((value, row) => {
        const { value: label, bar } = numbers[row][i];
        label.textContent = percent(value);
        label.dataset.zero = value < 5e-4;
        label.dataset.value = value;
        bar.style.setProperty("--vl-part", `${Math.min(100, 100 * value)}%`);
      });
    });
    said.textContent = tell(now, all);
  }

  const percent = (value) => (value >= 5e-4 && value < 0.01 ? "< 1 %" : `${Math.round(100 * value)} %`);

  /** The numbers in a sentence. */
  function tell({ shift, window, paper }, all) {
    if (!shift) return "Nothing has been moved: every map is as it was.";
    const [, [, convolution], [, stride], [stays, pooling]] = all;
    const along = convolution < 5e-4 ? "The convolution moves along exactly" : "The convolution does not quite move along: at the border it reads zeros instead of paper";
    const whole = shift % window === 0 ? `the move is ${Math.abs(shift / window)} whole step${Math.abs(shift / window) === 1 ? "" : "s"} of ${window}` : `the move is not a multiple of ${window}`;
    return `${along}${paper === "white" && convolution < 5e-4 ? " here" : ""}. Stride ${window}: ${whole}, off by ${percent(stride)}. Pooling is off by ${percent(pooling)} from a moved copy, and by ${percent(stays)} from standing still.`;
  }

  function paintMap(canvas, { side, values }, most) {
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    values.forEach((value, i) => image.data.set([255, 255, 255].map((level) => (level * value) / most).concat(255), 4 * i));
    context.putImageData(image, 0, 0);
  }

  const redraw = coalesce(draw);
  const watched = ["digit", "shift", "window", "kernel", "paper"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderShift };
