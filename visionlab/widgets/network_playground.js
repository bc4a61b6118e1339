// The network playground: a small network on points in the plane, trained here, frame by frame.
import { button, choice, darkTheme, html, ICONS, setter, slider, watch } from "./drawing.js";

const PLAYGROUND = {
  datasets: ["circles", "xor", "spiral", "moons", "blobs"],
  activations: [["tanh", "tanh"], ["relu", "ReLU"], ["sigmoid", "sigmoid"], ["linear", "linear (none)"]],
  views: ["across the boundary", "principal directions", "two units"],
  noises: [0, 0.1, 0.2, 0.3, 0.4],
  lambdas: [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
  rates: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
  points: 100,
  batch: 10,
  reach: 1.7,
  cells: 60,
};

// The arithmetic, as in network_playground.py; a test compares the two.

/** mulberry32: numbers from 0 to 1. */
export function randomNumbers(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function normalNumber(uniform) {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  return radius * Math.cos(2 * Math.PI * uniform());
}

function placePoint(dataset, label, uniform) {
  const u = uniform();
  const v = uniform();
  if (dataset === "circles") {
    const r = label ? 1 + 0.3 * u : 0.6 * Math.sqrt(u);
    return [r * Math.cos(2 * Math.PI * v), r * Math.sin(2 * Math.PI * v)];
  }
  if (dataset === "xor") {
    const side = uniform() < 0.5 ? 1 : -1;
    return [side * (0.12 + 1.1 * u), side * (0.12 + 1.1 * v) * (label ? -1 : 1)];
  }
  if (dataset === "spiral") {
    const angle = 2.5 * Math.PI * u + Math.PI * label;
    const r = 0.12 + 1.2 * u;
    return [r * Math.cos(angle), r * Math.sin(angle)];
  }
  const turn = (label ? 1 : -1) * (dataset === "moons" ? -1 : 1);
  if (dataset === "moons")
    return [turn * (Math.cos(Math.PI * u) - 0.5) * 0.9, turn * (Math.sin(Math.PI * u) - 0.25) * 0.9];
  return [turn * 0.6 + 0.5 * (u - 0.5), turn * 0.4 + 0.5 * (v - 0.5)];
}

/** 100 training points, then 100 test points: [x, y, label] each. */
export function makePoints(dataset, noise) {
  const uniform = randomNumbers(PLAYGROUND.datasets.indexOf(dataset) + 1);
  return Array.from({ length: 2 * PLAYGROUND.points }, (_, i) => {
    const [x, y] = placePoint(dataset, i % 2, uniform);
    const dx = noise * normalNumber(uniform);
    return [x + dx, y + noise * normalNumber(uniform), i % 2];
  });
}

const H = { tanh: Math.tanh, relu: (a) => Math.max(0, a), sigmoid: (a) => 0.5 + 0.5 * Math.tanh(0.5 * a), linear: (a) => a };
const SLOPE = { tanh: (z) => 1 - z * z, relu: (z) => (z > 0 ? 1 : 0), sigmoid: (z) => z * (1 - z), linear: () => 1 }; // by z = h(a)

/** A network: its layers {m, n, W, b}, with buffers for what runs forwards (z) and backwards (d, dW, db). */
export function makeNetwork({ layers, units, activation, seed }, flat = []) {
  const sizes = [2, ...Array(layers).fill(units), 1];
  const count = sizes.slice(1).reduce((sum, n, i) => sum + sizes[i] * n + n, 0);
  const uniform = randomNumbers(1000 + seed);
  const gain = activation === "relu" ? 2 : 1;
  const given = flat.length === count ? flat : null;
  let at = 0;
  const stack = sizes.slice(1).map((n, i) => {
    const m = sizes[i];
    const W = Float64Array.from({ length: m * n }, () => (given ? given[at++] : Math.sqrt(gain / m) * normalNumber(uniform)));
    const b = Float64Array.from({ length: n }, () => (given ? given[at++] : 0));
    return { m, n, W, b, z: new Float64Array(n), d: new Float64Array(n), dW: new Float64Array(m * n), db: new Float64Array(n) };
  });
  return { stack, activation, input: new Float64Array(2) };
}

export function flatWeights(network) {
  return network.stack.flatMap(({ W, b }) => [...W, ...b]);
}

/** The score of one point; the outputs of the layers stay in their z. */
export function forward(network, x, y) {
  let z = network.input;
  z[0] = x;
  z[1] = y;
  const h = H[network.activation];
  network.stack.forEach((layer, at) => {
    const last = at === network.stack.length - 1;
    for (let j = 0; j < layer.n; j++) {
      let a = layer.b[j];
      for (let i = 0; i < layer.m; i++) a += layer.W[j * layer.m + i] * z[i];
      layer.z[j] = last ? a : h(a);
    }
    z = layer.z;
  });
  return z[0];
}

/** Adds the gradient of one point's cross-entropy to the layers' dW and db; `forward` has just run. */
function backward(network, label) {
  const { stack, activation, input } = network;
  const slope = SLOPE[activation];
  stack.at(-1).d[0] = H.sigmoid(stack.at(-1).z[0]) - label;
  for (let at = stack.length - 1; at >= 0; at--) {
    const { m, n, W, d, dW, db } = stack[at];
    const below = at ? stack[at - 1].z : input;
    for (let j = 0; j < n; j++) {
      db[j] += d[j];
      for (let i = 0; i < m; i++) dW[j * m + i] += d[j] * below[i];
    }
    if (!at) break;
    for (let i = 0; i < m; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += W[j * m + i] * d[j];
      stack[at - 1].d[i] = sum * slope(below[i]);
    }
  }
}

/** One pass over the training points, in batches of ten. */
export function trainEpoch(network, points, { eta, lam, seed }, epoch) {
  const uniform = randomNumbers(50000 + 10007 * seed + epoch);
  const order = Array.from({ length: PLAYGROUND.points }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  for (let start = 0; start < order.length; start += PLAYGROUND.batch) {
    for (const { dW, db } of network.stack) {
      dW.fill(0);
      db.fill(0);
    }
    const chosen = order.slice(start, start + PLAYGROUND.batch);
    for (const i of chosen) {
      forward(network, points[i][0], points[i][1]);
      backward(network, points[i][2]);
    }
    for (const { W, b, dW, db } of network.stack) {
      for (let k = 0; k < W.length; k++) W[k] -= eta * (dW[k] / chosen.length + lam * W[k]);
      for (let k = 0; k < b.length; k++) b[k] -= (eta * db[k]) / chosen.length;
    }
  }
}

/** Mean cross-entropy and share of right answers on some points. */
export function judge(network, points) {
  let loss = 0;
  let right = 0;
  for (const [x, y, label] of points) {
    const s = forward(network, x, y);
    loss += Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s))) - label * s;
    right += s > 0 === (label === 1);
  }
  return { loss: loss / points.length, accuracy: right / points.length };
}

/** The two widest directions of rows of numbers, after taking out `except`: power iteration, from the last ones found. */
function widestDirections(rows, except, last) {
  const D = rows[0].length;
  const mean = Array.from({ length: D }, (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  const dot = (p, q) => p.reduce((sum, v, i) => sum + v * q[i], 0);
  const without = (p, q) => {
    const along = dot(p, q);
    return p.map((v, i) => v - along * q[i]);
  };
  const unit = (p) => {
    const length = Math.sqrt(dot(p, p));
    return length > 1e-12 ? p.map((v) => v / length) : p.map(() => 0);
  };
  const centred = rows.map((row) => row.map((v, i) => v - mean[i]));
  const taken = except ? [unit(except)] : [];
  const found = [];
  for (let k = 0; k < (except ? 1 : 2); k++) {
    let p = last?.[k]?.length === D ? last[k] : Array.from({ length: D }, (_, i) => 1 / (1 + i + k));
    for (let round = 0; round < 30; round++) {
      const next = Array(D).fill(0);
      for (const row of centred) {
        const along = dot(row, p);
        for (let i = 0; i < D; i++) next[i] += along * row[i];
      }
      p = unit(taken.reduce(without, next));
    }
    taken.push(p);
    found.push(p);
  }
  return { mean, found };
}

function renderPlayground({ model, el }) {
  const P = PLAYGROUND;
  const set = setter(model);
  const afresh = { epoch: 0, weights: [] }; // in this order, and before what else changes: listeners read it at once

  // State
  let points = [];
  let network = null;
  let epoch = 0;
  let history = [];
  let every = 1; // the history keeps every so many epochs
  let exploded = false;
  let frame = 0;
  let lastDirections = null;
  let chosen = -1; // the point marked in both pictures
  let shown = []; // places of the points on the canvases, for the mouse
  let sent = null; // weights that this view has sent itself

  // Controls
  const dataset = choice({ control: "dataset", label: "data", words: P.datasets, onInput: (v) => set({ ...afresh, dataset: v }) });
  const noise = choice({ control: "noise", label: "noise", words: P.noises, onInput: (v) => set({ ...afresh, noise: Number(v) }) });
  const layers = slider({ control: "layers", label: "hidden layers", onInput: (v) => set({ ...afresh, layers: v }) });
  const units = slider({ control: "units", label: "units in each", onInput: (v) => set({ ...afresh, units: v }) });
  const activation = choice({ control: "activation", label: "activation", words: P.activations, onInput: (v) => set({ ...afresh, activation: v }) });
  const lam = choice({ control: "lam", label: "regularisation λ", words: P.lambdas, onInput: (v) => set({ lam: Number(v) }) });
  const eta = choice({ control: "eta", label: "learning rate η", words: P.rates, onInput: (v) => set({ eta: Number(v) }) });
  const train = button({ control: "train", label: "Train", title: "Train, or pause", icon: ICONS.play, onClick: () => set({ running: !model.get("running") }) });
  const step = button({ control: "step", label: "One epoch", title: "One pass over the training points", icon: ICONS.step, onClick: () => { pause(); advance(1); share(); draw(true); } });
  const reset = button({ control: "reset", label: "Reset", title: "Back to the first weights", icon: ICONS.start, onClick: () => { pause(); set(afresh); begin(); } });
  const reseed = button({ control: "reseed", label: "Other weights", title: "Start from other random weights", onClick: () => set({ ...afresh, seed: (model.get("seed") + 1) % 10000 }) });
  const view = choice({ control: "view", label: "last hidden layer, seen", words: P.views, onInput: (v) => set({ view: v }) });
  const unitX = slider({ control: "unit-x", label: "unit to the right", onInput: (v) => set({ unit_x: v }) });
  const unitY = slider({ control: "unit-y", label: "unit upwards", onInput: (v) => set({ unit_y: v }) });

  // Pictures
  const picture = (name, title) => {
    const canvas = html("canvas", { role: "img", "aria-label": title, "data-picture": name });
    const caption = html("p", { class: "vl-note" });
    const heading = html("span", {}, title);
    return { canvas, caption, heading, element: html("figure", {}, html("figcaption", {}, heading), canvas, caption) };
  };
  const plane = picture("plane", "The plane");
  const hidden = picture("hidden", "Last hidden layer");
  const curve = picture("curve", "Loss");
  plane.caption.textContent = "Dashed: where a unit of the first layer switches sign. Full line: the boundary.";
  for (const which of [plane, hidden]) {
    which.canvas.addEventListener("pointermove", (event) => mark(which, event));
    which.canvas.addEventListener("pointerleave", () => mark(which, null));
  }

  const progress = html("span", { class: "vl-where vl-progress", "data-epoch": 0 });
  const trainText = html("span");
  const testText = html("span");
  const status = html("p", { role: "status", "aria-live": "polite", "data-status": "" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Network playground" },
    html("div", { class: "vl-bar" }, dataset.element, noise.element, layers.element, units.element),
    html("div", { class: "vl-bar" }, activation.element, lam.element, eta.element, view.element, unitX.element, unitY.element),
    html("div", { class: "vl-bar" }, html("div", { class: "vl-transport" }, train.element, step.element, reset.element, reseed.element, progress)),
    html("div", { class: "vl-panels" }, plane.element, hidden.element, curve.element),
    html(
      "p",
      { class: "vl-keys" },
      html("span", {}, html("span", { class: "vl-line" }), trainText),
      html("span", {}, html("span", { class: "vl-line", "data-line": "test" }), testText),
      html("span", {}, html("span", { class: "vl-mark" }), "class 0"),
      html("span", {}, html("span", { class: "vl-mark", "data-class": 1 }), "class 1"),
      html("span", {}, html("span", { class: "vl-mark", "data-hollow": true }), "hollow: test points"),
    ),
    status,
  );
  el.append(root);

  // Training
  const settings = () => Object.fromEntries(["layers", "units", "activation", "seed", "eta", "lam"].map((name) => [name, model.get(name)]));

  function begin() {
    points = makePoints(model.get("dataset"), model.get("noise"));
    network = makeNetwork(settings(), model.get("weights"));
    epoch = model.get("epoch");
    history = [];
    every = 1;
    exploded = false;
    lastDirections = null;
    remember();
    draw(true);
  }

  function remember() {
    const known = judge(network, points.slice(0, P.points));
    const fresh = judge(network, points.slice(P.points));
    exploded = !Number.isFinite(known.loss) || known.loss > 1e6;
    const entry = { epoch, known, fresh };
    if (epoch % every === 0 || !history.length) history.push(entry);
    if (history.length > 400) {
      every *= 2;
      history = history.filter((old) => old.epoch % every === 0);
    }
    return entry;
  }

  function advance(epochs) {
    const now = settings();
    for (let i = 0; i < epochs && !exploded; i++) {
      trainEpoch(network, points, now, epoch++);
      remember();
    }
  }

  function share() {
    const flat = flatWeights(network);
    if (!flat.every(Number.isFinite)) return;
    sent = flat;
    set({ weights: flat, epoch });
  }

  function pause() {
    if (model.get("running")) set({ running: false });
    cancelAnimationFrame(frame);
    frame = 0;
  }

  function run() {
    frame = 0;
    if (!model.get("running") || !root.isConnected) return;
    const end = performance.now() + 8; // leave the browser most of the frame
    for (let i = 0; i < 5 && performance.now() < end; i++) advance(1);
    draw();
    if (exploded) set({ running: false });
    else frame = requestAnimationFrame(run);
  }

  function toggled() {
    if (model.get("running") && !exploded) {
      if (!frame) frame = requestAnimationFrame(run);
    } else {
      const was = frame;
      cancelAnimationFrame(frame);
      frame = 0;
      if (was) share();
      if (model.get("running")) set({ running: false });
    }
    draw(true);
  }

  // Drawing
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const rgb = (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const say = (share) => `${(100 * share).toFixed(0)} %`;

  function draw(settled = false) {
    if (!root.isConnected) return;
    darkTheme(root);
    const count = model.get("units");
    const depth = model.get("layers");
    dataset.show(model.get("dataset"));
    noise.show(String(model.get("noise")));
    layers.show(depth, 0, 3);
    units.show(count, 1, 8, depth === 0);
    activation.show(model.get("activation"), depth === 0);
    lam.show(String(model.get("lam")));
    eta.show(String(model.get("eta")));
    const choosable = depth > 0 && count > 2;
    view.show(model.get("view"), !choosable);
    const two = choosable && model.get("view") === "two units";
    unitX.element.hidden = unitY.element.hidden = !two;
    unitX.element.style.display = unitY.element.style.display = two ? "" : "none";
    unitX.show(Math.min(model.get("unit_x"), count), 1, count);
    unitY.show(Math.min(model.get("unit_y"), count), 1, count);
    train.show(model.get("running") ? "Pause" : "Train", model.get("running") ? ICONS.pause : ICONS.play);

    const known = judge(network, points.slice(0, P.points));
    const fresh = judge(network, points.slice(P.points));
    progress.textContent = `epoch ${epoch}`;
    progress.dataset.epoch = epoch;
    const digits = (loss) => (Number.isFinite(loss) ? loss.toFixed(3) : "∞");
    trainText.textContent = `training: loss ${digits(known.loss)}, right ${say(known.accuracy)}`;
    testText.textContent = `test: loss ${digits(fresh.loss)}, right ${say(fresh.accuracy)}`;
    root.dataset.trainLoss = known.loss.toFixed(6);
    root.dataset.testAccuracy = fresh.accuracy.toFixed(3);
    if (settled || exploded) {
      const words = exploded
        ? "The weights have exploded: the learning rate is too high. Choose a smaller one and reset."
        : model.get("running")
          ? "Training."
          : `After ${epoch} epochs: right on ${say(known.accuracy)} of the training points and ${say(fresh.accuracy)} of the test points.`;
      if (status.textContent !== words) status.textContent = words;
      status.className = exploded ? "vl-refused" : "";
      const described = `${model.get("dataset")}; right on ${say(known.accuracy)} of the training points`;
      plane.canvas.setAttribute("aria-label", `The plane with the points and the decision boundary: ${described}.`);
      hidden.canvas.setAttribute("aria-label", `The same points as outputs of the last hidden layer: ${described}.`);
      curve.canvas.setAttribute("aria-label", `Loss against epochs, now ${known.loss.toFixed(2)} in training and ${fresh.loss.toFixed(2)} in the test.`);
    }
    if (exploded) return;
    const colours = [rgb(css("--vl-accent")), rgb(css("--vl-window"))];
    shown = [[], []];
    drawPlane(colours);
    drawHidden(colours);
    drawCurve();
  }

  function open(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(120, canvas.clientWidth);
    canvas.width = canvas.height = Math.round(width * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = `12px ${css("font-family") || "sans-serif"}`;
    return { pen, width };
  }

  function frameIt(pen, width) {
    pen.strokeStyle = css("--vl-rule");
    pen.lineWidth = 1;
    pen.strokeRect(0.5, 0.5, width - 1, width - 1);
  }

  function drawPoints(pen, place, colours, which) {
    const paper = css("--vl-paper");
    const order = [...points.keys()].sort((p, q) => q - p); // the training points on top
    for (const i of order) {
      const [x, y] = place(i);
      shown[which][i] = [x, y];
      const [r, g, b] = colours[points[i][2]];
      const testing = i >= P.points;
      const size = testing ? 3.2 : 4;
      pen.beginPath();
      if (points[i][2]) pen.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
      else pen.arc(x, y, size, 0, 7);
      pen.lineWidth = testing ? 1.3 : 1;
      if (!testing) {
        pen.fillStyle = `rgb(${r},${g},${b})`;
        pen.fill();
      }
      pen.strokeStyle = testing ? `rgb(${r},${g},${b})` : paper;
      pen.stroke();
    }
    if (chosen >= 0) {
      const [x, y] = place(chosen);
      pen.beginPath();
      pen.arc(x, y, 9, 0, 7);
      pen.lineWidth = 2.5;
      pen.strokeStyle = css("--vl-ink");
      pen.stroke();
    }
  }

  function straight(pen, a, b, c, toX, toY) {
    // the line a·x + b·y + c = 0, long enough for any picture
    const n = a * a + b * b;
    if (n < 1e-18) return;
    const [x, y] = [(-a * c) / n, (-b * c) / n];
    const far = 1e3 / Math.sqrt(n);
    pen.beginPath();
    pen.moveTo(toX(x - b * far), toY(y + a * far));
    pen.lineTo(toX(x + b * far), toY(y - a * far));
    pen.stroke();
  }

  let scores = [];
  const cellPlace = (i) => -P.reach + (2 * P.reach * (i + 0.5)) / P.cells;

  function drawPlane(colours) {
    const { pen, width } = open(plane.canvas);
    const toX = (x) => ((x + P.reach) / (2 * P.reach)) * width;
    const toY = (y) => width - toX(y);
    const n = P.cells;
    const edge = Array.from({ length: n + 1 }, (_, k) => Math.round((k * width) / n)); // whole pixels: no seams
    scores = [];
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const s = forward(network, cellPlace(j), cellPlace(i));
        scores.push(s);
        const [r, g, b] = colours[s > 0 ? 1 : 0];
        pen.fillStyle = `rgba(${r},${g},${b},${(0.06 + 0.34 * Math.abs(Math.tanh(s / 2))).toFixed(3)})`;
        pen.fillRect(edge[j], width - edge[i + 1], edge[j + 1] - edge[j], edge[i + 1] - edge[i]);
      }
    if (network.stack.length > 1) {
      const { n: many, W, b } = network.stack[0];
      pen.strokeStyle = css("--vl-soft");
      pen.lineWidth = 1;
      pen.setLineDash([5, 4]);
      for (let j = 0; j < many; j++) straight(pen, W[2 * j], W[2 * j + 1], b[j], toX, toY);
      pen.setLineDash([]);
    }
    contour(pen, toX, toY);
    drawPoints(pen, (i) => [toX(points[i][0]), toY(points[i][1])], colours, 0);
    frameIt(pen, width);
  }

  function contour(pen, toX, toY) {
    // marching squares at score 0
    const n = P.cells;
    pen.strokeStyle = css("--vl-ink");
    pen.lineWidth = 2;
    pen.beginPath();
    for (let i = 0; i < n - 1; i++)
      for (let j = 0; j < n - 1; j++) {
        const corners = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]];
        const crossings = [];
        corners.forEach(([x, y], k) => {
          const [x2, y2] = corners[(k + 1) % 4];
          const p = scores[y * n + x];
          const q = scores[y2 * n + x2];
          if (p > 0 !== q > 0) {
            const t = p / (p - q);
            crossings.push([toX(cellPlace(x + t * (x2 - x))), toY(cellPlace(y + t * (y2 - y)))]);
          }
        });
        for (let k = 0; k + 1 < crossings.length; k += 2) {
          pen.moveTo(...crossings[k]);
          pen.lineTo(...crossings[k + 1]);
        }
      }
    pen.stroke();
  }

  /** How the last hidden layer's outputs become two numbers: {project, names, boundary, words}. */
  function projection() {
    const last = network.stack.at(-1);
    const w = [...last.W];
    const b = last.b[0];
    const depth = model.get("layers");
    if (w.length === 1)
      return { project: (z) => [z[0], 0], names: ["z₁", ""], boundary: [w[0], 0, b], words: "One unit: all that is left of the plane is a line." };
    if (w.length === 2)
      return {
        project: (z) => [z[0], z[1]],
        names: depth ? ["z₁", "z₂"] : ["x₁", "x₂"],
        boundary: [w[0], w[1], b],
        words: depth ? "Its two outputs. Here the boundary is straight." : "No hidden layer: the plane itself, and a straight boundary.",
      };
    const mode = model.get("view");
    if (mode === "two units") {
      const i = Math.min(model.get("unit_x"), w.length) - 1;
      const j = Math.min(model.get("unit_y"), w.length) - 1;
      const name = (k) => `z${"₁₂₃₄₅₆₇₈"[k]}`;
      return { project: (z) => [z[i], z[j]], names: [name(i), name(j)], boundary: null, words: `Two of ${w.length} outputs: a shadow, in which the boundary is no line.` };
    }
    const rows = points.slice(0, P.points).map(([x, y]) => features(x, y));
    const principal = mode === "principal directions";
    const { mean, found } = widestDirections(rows, principal ? null : w, lastDirections);
    lastDirections = found;
    const along = (z, p) => z.reduce((sum, v, i) => sum + (v - mean[i]) * p[i], 0);
    if (principal)
      return {
        project: (z) => [along(z, found[0]), along(z, found[1])],
        names: ["widest direction", "next"],
        boundary: null,
        words: `The two widest of ${w.length} directions: a shadow, in which the boundary is no line.`,
      };
    const length = Math.sqrt(w.reduce((sum, v) => sum + v * v, 0)) || 1e-12;
    return {
      project: (z) => [(z.reduce((sum, v, i) => sum + v * w[i], 0) + b) / length, along(z, found[0])],
      names: ["distance from the boundary", "along it"],
      boundary: [1, 0, 0],
      words: `${w.length} dimensions, seen along the flat boundary: it is the upright line.`,
    };
  }

  function features(x, y) {
    forward(network, x, y);
    return network.stack.length > 1 ? Array.from(network.stack.at(-2).z) : [x, y];
  }

  function drawHidden(colours) {
    const { pen, width } = open(hidden.canvas);
    const { project, names, boundary, words } = projection();
    hidden.heading.textContent = model.get("layers") ? "Last hidden layer" : "No hidden layer";
    hidden.caption.textContent = words;
    const places = points.map(([x, y]) => project(features(x, y)));
    const cells = [];
    for (let i = 0; i < P.cells; i += 2)
      for (let j = 0; j < P.cells; j += 2) cells.push([...project(features(cellPlace(j), cellPlace(i))), scores[i * P.cells + j]]);
    const bounds = [0, 1].map((k) => {
      const values = places.map((p) => p[k]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const pad = Math.max(0.15 * (high - low), 1e-3);
      return [low - pad, high - low + 2 * pad];
    });
    const toX = (x) => ((x - bounds[0][0]) / bounds[0][1]) * width;
    const toY = (y) => width - ((y - bounds[1][0]) / bounds[1][1]) * width;
    for (const [x, y, s] of cells) {
      const [r, g, b] = colours[s > 0 ? 1 : 0];
      pen.fillStyle = `rgba(${r},${g},${b},${(0.1 + 0.25 * Math.abs(Math.tanh(s / 2))).toFixed(3)})`;
      pen.fillRect(toX(x) - 2.5, toY(y) - 2.5, 5, 5);
    }
    if (boundary) {
      pen.strokeStyle = css("--vl-ink");
      pen.lineWidth = 2;
      straight(pen, ...boundary, toX, toY);
    }
    drawPoints(pen, (i) => [toX(places[i][0]), toY(places[i][1])], colours, 1);
    const across = names[0] && `${names[0]} →`;
    const upwards = names[1] && `↑ ${names[1]}`;
    const long = pen.measureText(across).width;
    pen.fillStyle = css("--vl-paper");
    pen.globalAlpha = 0.95;
    pen.fillRect(width - 10 - long, width - 21, long + 10, 21);
    pen.fillRect(0, 0, upwards ? pen.measureText(upwards).width + 12 : 0, 21);
    pen.globalAlpha = 1;
    pen.fillStyle = css("--vl-soft");
    pen.fillText(across, width - 6 - long, width - 7);
    pen.fillText(upwards, 6, 15);
    frameIt(pen, width);
  }

  function drawCurve() {
    const { pen, width } = open(curve.canvas);
    const [left, bottom, top] = [34, 24, 8];
    const high = Math.max(0.8, ...history.map(({ known, fresh }) => Math.max(known.loss, fresh.loss))) * 1.05;
    const most = Math.max(10, epoch);
    const toX = (x) => left + (x / most) * (width - left - 8);
    const toY = (y) => width - bottom - (y / high) * (width - bottom - top);
    pen.fillStyle = css("--vl-soft");
    pen.strokeStyle = css("--vl-rule");
    pen.lineWidth = 1;
    const gap = [0.1, 0.2, 0.5, 1, 2, 5, 10, 100, 1000, 1e4, 1e5].find((g) => high / g <= 6) ?? 1e6;
    pen.textAlign = "right";
    for (let y = 0; y <= high; y += gap) {
      pen.beginPath();
      pen.moveTo(left, toY(y));
      pen.lineTo(width - 8, toY(y));
      pen.stroke();
      pen.fillText(gap < 1 ? y.toFixed(1) : String(y), left - 5, toY(y) + 4);
    }
    pen.textAlign = "left";
    pen.fillText("0", toX(0), width - 7);
    pen.textAlign = "right";
    pen.fillText(`epoch ${most}`, width - 8, width - 7);
    for (const [name, colour, dash] of [["known", "--vl-ink", []], ["fresh", "--vl-wrong", [6, 4]]]) {
      pen.strokeStyle = css(colour);
      pen.lineWidth = 2;
      pen.setLineDash(dash);
      pen.beginPath();
      history.forEach((entry) => pen.lineTo(toX(entry.epoch), toY(entry[name].loss)));
      pen.stroke();
    }
    pen.setLineDash([]);
    curve.caption.textContent = "Mean cross-entropy, without the price for large weights.";
  }

  function mark(which, event) {
    let nearest = -1;
    if (event) {
      const [x, y] = [event.offsetX, event.offsetY];
      let best = 14;
      (shown[which === plane ? 0 : 1] ?? []).forEach(([px, py], i) => {
        const away = Math.hypot(px - x, py - y);
        if (away < best) [best, nearest] = [away, i];
      });
    }
    if (nearest !== chosen) {
      chosen = nearest;
      draw();
    }
  }

  // Changes, from here or from Python
  const rebuilt = () => begin();
  const restyled = () => draw(true);
  const given = () => {
    const flat = model.get("weights");
    if (flat !== sent && (flat.length || epoch)) begin();
  };
  const builders = ["dataset", "noise", "layers", "units", "activation", "seed"];
  const styles = ["view", "unit_x", "unit_y", "lam", "eta"];
  for (const name of builders) model.on(`change:${name}`, rebuilt);
  for (const name of styles) model.on(`change:${name}`, restyled);
  model.on("change:weights", given);
  model.on("change:running", toggled);
  const unwatch = watch(root, () => draw());
  begin();
  if (model.get("running")) toggled();

  return () => {
    cancelAnimationFrame(frame);
    unwatch();
    for (const name of builders) model.off(`change:${name}`, rebuilt);
    for (const name of styles) model.off(`change:${name}`, restyled);
    model.off("change:weights", given);
    model.off("change:running", toggled);
    if (model.get("running")) set({ running: false });
  };
}

export default { render: renderPlayground };
