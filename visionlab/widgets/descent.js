// The descent explorer: a contour map of a loss over two weights, and a walk on it. The arithmetic is descent.py's.
import {
  button, choice, coalesce, darkTheme, html, ICONS, keyboardStage, slider, svg, text, uniqueId, watch,
} from "./drawing.js";

const METHODS = ["gradient descent", "momentum", "RMSProp", "Adam", "by hand"];
const MOST_STEPS = 500;
const FAR = 1e4;
const PAUSE = 70; // milliseconds between two steps of a run
const GRID = 96; // cells a side of the map
const TURN = Math.PI / 6;
const [COS, SIN] = [Math.cos(TURN), Math.sin(TURN)];

function valley(x, y) {
  const along = x * COS + y * SIN;
  const across = y * COS - x * SIN;
  const [a, b] = [along, 25 * across];
  return [0.5 * (along * along + 25 * across * across), a * COS - b * SIN, a * SIN + b * COS];
}

function curved(x, y) {
  const bend = y - x * x;
  return [0.5 * (1 - x) ** 2 + 2.5 * bend * bend, x - 1 - 10 * x * bend, 5 * bend];
}

/** log(1 + exp(x)) without overflow. */
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

function digits(x, y, inked) {
  let [loss, slopeX, slopeY] = [0, 0, 0];
  for (const z of inked) {
    const size = Math.abs(z);
    const sign = Math.sign(z);
    const hidden = Math.tanh(x * size);
    const margin = sign * hidden * y;
    const push = -Math.exp(-softplus(margin)) * sign;
    loss += softplus(-margin);
    slopeX += push * y * (1 - hidden * hidden) * size;
    slopeY += push * hidden;
  }
  return [loss / inked.length, slopeX / inked.length, slopeY / inked.length];
}

/** Name to what gives [loss, slope, slope], to the view (left, right, low, high) and to the usual start. */
export const LANDSCAPES = {
  bowl: { at: (x, y) => [0.5 * (x * x + 2 * y * y), x, 2 * y], view: [-3, 3, -3, 3], start: [-2.5, 2] },
  "narrow valley": { at: valley, view: [-3, 3, -3, 3], start: [-2.6, -0.4] },
  "curved valley": { at: curved, view: [-2, 2, -1.2, 2.8], start: [-1.4, 2.2] },
  saddle: {
    at: (x, y) => [0.5 * x * x - 0.5 * y * y + y ** 4 / 16 + 1, x, y ** 3 / 4 - y],
    view: [-3, 3, -3, 3],
    start: [-2.5, 0],
  },
  digits: { at: digits, view: [-4, 4, -4, 4], start: [3, -2] },
};

const RULES = {
  "gradient descent": "w ← w − η g",
  momentum: "m ← β m + g,   w ← w − η m",
  RMSProp: "v ← 0.9 v + 0.1 g²,   w ← w − η g / √v",
  Adam: "m ← β m + (1 − β) g,   v ← 0.999 v + 0.001 g²,   w ← w − η m̂ / √v̂",
  "by hand": "you choose each step",
};

function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The places of a walk by a rule, the start first. */
export function walk({ loss, method, x, y, steps, eta, momentum, noise, seed }, inked) {
  const numbers = mulberry32(seed);
  const place = [x, y];
  const first = [0, 0];
  const second = [0, 0];
  const places = [[x, y]];
  for (let t = 1; t <= steps; t++) {
    const slopes = LANDSCAPES[loss].at(...place, inked).slice(1);
    const radius = noise * Math.sqrt(-2 * Math.log(1 - numbers()));
    const angle = 2 * Math.PI * numbers();
    slopes[0] += radius * Math.cos(angle);
    slopes[1] += radius * Math.sin(angle);
    slopes.forEach((g, i) => {
      let move = g;
      if (method === "momentum") move = first[i] = momentum * first[i] + g;
      else if (method === "RMSProp") {
        second[i] = 0.9 * second[i] + 0.1 * g * g;
        move = g / (Math.sqrt(second[i]) + 1e-8);
      } else if (method === "Adam") {
        first[i] = momentum * first[i] + (1 - momentum) * g;
        second[i] = 0.999 * second[i] + 0.001 * g * g;
        move = first[i] / (1 - momentum ** t) / (Math.sqrt(second[i] / (1 - 0.999 ** t)) + 1e-8);
      }
      place[i] -= eta * move;
    });
    places.push([...place]);
    if (!(Math.max(Math.abs(place[0]), Math.abs(place[1])) < FAR)) break;
  }
  return places;
}

/** Heights on a grid of (GRID + 1)² places, their levels, and the contour lines as paths in a square of side 1. */
function survey(landscape, inked) {
  const [left, right, low, high] = landscape.view;
  const side = GRID + 1;
  const heights = new Float64Array(side * side);
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++)
      heights[i * side + j] = landscape.at(left + ((right - left) * j) / GRID, high - ((high - low) * i) / GRID, inked)[0];
  const least = heights.reduce((a, b) => Math.min(a, b));
  const most = heights.reduce((a, b) => Math.max(a, b));
  const levels = Array.from({ length: 13 }, (_, k) => least + (most - least) * ((k + 1) / 14) ** 2);
  let lines = "";
  for (const level of levels)
    for (let i = 0; i < GRID; i++)
      for (let j = 0; j < GRID; j++) {
        const corners = [heights[i * side + j], heights[i * side + j + 1], heights[(i + 1) * side + j + 1], heights[(i + 1) * side + j]];
        const cuts = [];
        [[j, i, 1, 0], [j + 1, i, 0, 1], [j + 1, i + 1, -1, 0], [j, i + 1, 0, -1]].forEach(([x, y, dx, dy], k) => {
          const [a, b] = [corners[k], corners[(k + 1) % 4]];
          if (a < level !== b < level) {
            const share = (level - a) / (b - a);
            cuts.push(`${((x + share * dx) / GRID).toFixed(4)} ${((y + share * dy) / GRID).toFixed(4)}`);
          }
        });
        for (let k = 0; k + 1 < cuts.length; k += 2) lines += `M${cuts[k]}L${cuts[k + 1]}`;
      }
  return { heights, least, most, lines };
}

function shade({ heights, least, most }, dark) {
  const side = GRID + 1;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  const [r, g, b] = dark ? [86, 180, 233] : [0, 114, 178];
  heights.forEach((height, i) => {
    const share = Math.floor(14 * Math.sqrt((height - least) / (most - least))) / 14;
    image.data.set([r, g, b, 255 * (0.04 + 0.66 * share)], 4 * i);
  });
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

const short = (value) => {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return "∞";
  if (size !== 0 && (size >= 1e4 || size < 1e-3)) return value.toExponential(1).replace(".0e", "e").replace("-", "−");
  return String(Number(value.toPrecision(3))).replace("-", "−");
};

function renderDescent({ model, el }) {
  const names = ["loss", "method", "eta", "momentum", "noise", "x", "y", "steps", "moves", "fog", "seed", "_inked"];
  const now = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let saving = 0;
  const set = (changes) => {
    model.set(changes);
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 150);
    redraw();
  };
  const id = uniqueId();

  // Controls
  const loss = choice({
    control: "loss",
    label: "landscape",
    words: Object.keys(LANDSCAPES),
    onInput: (word) => {
      stop();
      const [x, y] = LANDSCAPES[word].start;
      set({ loss: word, x, y, steps: 0, moves: [] });
    },
  });
  const method = choice({ control: "method", label: "rule", words: METHODS, onInput: (word) => (stop(), set({ method: word, moves: [] })) });
  const eta = slider({ control: "eta", label: "learning rate", symbol: "η", onInput: (k) => set({ eta: Number((10 ** (k / 40)).toPrecision(3)) }) });
  const momentum = slider({ control: "momentum", label: "momentum", symbol: "β", onInput: (k) => set({ momentum: k / 100 }) });
  const noise = slider({ control: "noise", label: "batch noise", onInput: (k) => set({ noise: k / 20 }) });
  const fog = html("input", {
    id: `${id}-fog`,
    type: "checkbox",
    "data-control": "fog",
    "data-lm-suppress-shortcuts": "true",
    change: () => set({ fog: fog.checked }),
  });
  const reset = button({ control: "reset", label: "Reset", title: "Back to the start", icon: ICONS.start, onClick: () => (stop(), set({ steps: 0, moves: [] })) });
  const back = button({ control: "back", label: "Back", title: "Take one step back", icon: ICONS.back, onClick: () => (stop(), undo()) });
  const run = button({ control: "run", label: "Run", title: "Walk until stopped", icon: ICONS.play, onClick: () => (timer ? stop() : start()) });
  const step = button({ control: "step", label: "Step", title: "Take one step", icon: ICONS.step, onClick: () => (stop(), advance()) });
  const again = button({ control: "again", label: "Other noise", title: "The same walk with other random numbers", onClick: () => set({ seed: model.get("seed") + 1 }) });

  const picture = svg("svg", { role: "img" });
  const stage = keyboardStage(
    "Map. By hand each arrow key is a step; otherwise the arrow keys move the start and Enter takes a step.",
    {
      keydown: onKey,
      pointerdown: onPointer,
    },
    picture,
  );
  const status = html("p", { class: "vl-formula", role: "status", "aria-live": "polite", "data-descent": "" });
  const rule = html("p", { class: "vl-note" });
  const hint = html("p", { class: "vl-note" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Descent explorer" },
    html("div", { class: "vl-bar" }, loss.element, method.element, eta.element, momentum.element, noise.element),
    html(
      "div",
      { class: "vl-bar" },
      html("div", { class: "vl-transport" }, reset.element, back.element, run.element, step.element, again.element),
      html("div", { class: "vl-check" }, fog, " ", html("label", { for: fog.id }, "fog: see only the ground near the path")),
    ),
    stage,
    status,
    rule,
    hint,
  );
  el.append(root);

  // Walking
  let timer = 0;

  function start() {
    if (model.get("method") === "by hand") return;
    if (path().length <= model.get("steps") || model.get("steps") >= MOST_STEPS) set({ steps: 0 });
    timer = setInterval(advance, PAUSE);
    redraw();
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    redraw();
  }

  function advance() {
    const { method, steps } = now();
    if (method === "by hand") return;
    if (steps >= MOST_STEPS || path().length <= steps) return stop(); // at the end, or it has left for infinity
    set({ steps: steps + 1 });
  }

  function undo() {
    const { method, steps, moves } = now();
    if (method === "by hand") set({ moves: moves.slice(0, -1) });
    else set({ steps: Math.max(0, Math.min(steps, path().length - 1) - 1) });
  }

  function path() {
    const state = now();
    return state.method === "by hand" ? [[state.x, state.y], ...state.moves] : walk(state, state._inked);
  }

  function moveBy(dx, dy) {
    const { method, x, y, moves } = now();
    if (method === "by hand") {
      const [lastX, lastY] = moves.at(-1) ?? [x, y];
      stepTo(lastX + dx, lastY + dy);
    } else set({ x: x + dx, y: y + dy });
  }

  function stepTo(x, y) {
    const { method, moves } = now();
    if (method !== "by hand") set({ x, y });
    else if (moves.length < MOST_STEPS) set({ moves: [...moves, [x, y]] });
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const [left, right] = LANDSCAPES[model.get("loss")].view;
    const length = ((right - left) / 60) * (event.shiftKey ? 5 : 1) * (model.get("method") === "by hand" ? 2 : 1);
    const moves = { ArrowLeft: [-length, 0], ArrowRight: [length, 0], ArrowUp: [0, length], ArrowDown: [0, -length] };
    if (moves[event.key]) moveBy(...moves[event.key]);
    else if (event.key === "Enter") advance();
    else if (event.key === "Backspace") undo();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  let map = null; // where the map lies: {x, y, side}

  function onPointer(event) {
    const frame = picture.getBoundingClientRect();
    const scale = picture.viewBox.baseVal.width / frame.width;
    const across = ((event.clientX - frame.left) * scale - map.x) / map.side;
    const down = ((event.clientY - frame.top) * scale - map.y) / map.side;
    if (across < 0 || across > 1 || down < 0 || down > 1) return;
    const [left, right, low, high] = LANDSCAPES[model.get("loss")].view;
    const round = (value) => Number(value.toFixed(3));
    stepTo(round(left + across * (right - left)), round(high - down * (high - low)));
  }

  // What is drawn
  const ground = {}; // surveys and shades by name, made once

  function draw() {
    const dark = darkTheme(root);
    const state = now();
    const landscape = LANDSCAPES[state.loss];
    const hand = state.method === "by hand";
    const places = path();
    const heights = places.map(([x, y]) => landscape.at(x, y, state._inked)[0]);
    loss.show(state.loss);
    method.show(state.method);
    showSlider(eta, Math.round(40 * Math.log10(state.eta)), -160, 40, short(state.eta), hand);
    showSlider(momentum, Math.round(100 * state.momentum), 0, 99, short(state.momentum), !["momentum", "Adam"].includes(state.method));
    showSlider(noise, Math.round(20 * state.noise), 0, 60, short(state.noise), hand);
    fog.checked = state.fog;
    back.element.disabled = places.length < 2;
    step.element.disabled = run.element.disabled = hand;
    again.element.disabled = hand || !state.noise;
    run.show(timer ? "Stop" : "Run", timer ? ICONS.pause : ICONS.play);
    drawPicture(state, landscape, places, heights, dark);
    say(state, landscape, places, heights, hand);
  }

  function showSlider(control, value, least, most, words, disabled) {
    control.show(Math.min(most, Math.max(least, value)), least, most, disabled);
    control.element.querySelector(".vl-value").textContent = words;
    control.element.querySelector("input").setAttribute("aria-valuetext", words);
  }

  function drawPicture(state, landscape, places, heights, dark) {
    const width = Math.max(260, stage.clientWidth);
    const wide = width >= 620;
    const side = wide ? Math.min(430, width * 0.52) : Math.min(430, width - 34);
    map = { x: 30, y: 6, side };
    const curve = wide
      ? { x: map.x + side + 62, y: 26, width: width - side - 30 - 62 - 10, height: side - 46 }
      : { x: 46, y: side + 62, width: width - 56, height: 150 };
    const total = Math.max(side + 30, curve.y + curve.height + 36);
    picture.setAttribute("viewBox", `0 0 ${width} ${total}`);
    picture.setAttribute("height", total);

    const [left, right, low, high] = landscape.view;
    const at = ([x, y]) => [map.x + ((x - left) / (right - left)) * side, map.y + ((high - y) / (high - low)) * side];
    const key = `${state.loss} ${dark}`;
    ground[state.loss] ??= survey(landscape, state._inked);
    ground[key] ??= shade(ground[state.loss], dark);
    const points = places.map((place) => at(place).map((value) => Math.min(1e5, Math.max(-1e5, value))));
    const square = `M${map.x} ${map.y}h${side}v${side}h${-side}z`;
    const drawn = [
      svg("clipPath", { id: `${id}-map` }, svg("path", { d: square })),
      svg("clipPath", { id: `${id}-fogged` }, ...points.map(([cx, cy]) => svg("circle", { cx, cy, r: side * 0.11 }))),
    ];
    const land = svg(
      "g",
      state.fog ? { "clip-path": `url(#${id}-fogged)` } : {},
      svg("image", { href: ground[key], x: map.x, y: map.y, width: side, height: side, preserveAspectRatio: "none" }),
      svg("path", {
        d: ground[state.loss].lines,
        transform: `translate(${map.x} ${map.y}) scale(${side})`,
        fill: "none",
        stroke: "var(--vl-soft)",
        "stroke-width": 0.8,
        "stroke-opacity": 0.75,
        "vector-effect": "non-scaling-stroke",
      }),
    );
    const [lastX, lastY] = points.at(-1);
    const [, slopeX, slopeY] = landscape.at(...places.at(-1), state._inked);
    const length = Math.hypot(slopeX, slopeY);
    const parts = [land];
    parts.push(svg("path", { d: `M${points.map((p) => p.join(" ")).join("L")}`, fill: "none", stroke: "var(--vl-paper)", "stroke-width": 4.5, "stroke-opacity": 0.7 }));
    parts.push(svg("path", { "data-path": "", d: `M${points.map((p) => p.join(" ")).join("L")}`, fill: "none", stroke: "var(--vl-window)", "stroke-width": 2 }));
    if (points.length <= 150) parts.push(...points.slice(1).map(([cx, cy]) => svg("circle", { cx, cy, r: 2.8, fill: "var(--vl-window)" })));
    parts.push(svg("circle", { cx: points[0][0], cy: points[0][1], r: 5.5, fill: "var(--vl-ink)", stroke: "var(--vl-paper)", "stroke-width": 1.5 }));
    if (length > 1e-9 && Number.isFinite(length)) {
      // downhill, on a map whose y axis points up
      const [ux, uy] = [-slopeX / length, slopeY / length];
      const [tipX, tipY] = [lastX + 0.15 * side * ux, lastY + 0.15 * side * uy];
      parts.push(
        svg("path", {
          "data-arrow": "",
          d: `M${lastX} ${lastY}L${tipX} ${tipY}M${tipX - 9 * ux + 5 * uy} ${tipY - 9 * uy - 5 * ux}L${tipX} ${tipY}L${tipX - 9 * ux - 5 * uy} ${tipY - 9 * uy + 5 * ux}`,
          fill: "none",
          stroke: "var(--vl-right)",
          "stroke-width": 3,
          "stroke-linejoin": "round",
        }),
      );
    }
    parts.push(svg("circle", { cx: lastX, cy: lastY, r: 5, fill: "var(--vl-window)", stroke: "var(--vl-paper)", "stroke-width": 1.5 }));
    drawn.push(svg("g", { "clip-path": `url(#${id}-map)` }, ...parts), svg("path", { class: "vl-frame", d: square }));
    for (let k = 0; k <= 4; k++) {
      const [x, y] = [left + ((right - left) * k) / 4, low + ((high - low) * k) / 4];
      drawn.push(text(at([x, 0])[0], map.y + side + 16, short(x), "vl-small", { "text-anchor": "middle" }));
      drawn.push(text(map.x - 5, Math.max(map.y + 8, at([0, y])[1] + 4), short(y), "vl-small", { "text-anchor": "end" }));
    }
    drawn.push(...drawCurve(curve, heights));
    picture.replaceChildren(...drawn);
    const end = places.at(-1).map(short).join(", ");
    picture.setAttribute("aria-label", `Map of the landscape ${state.loss}. The walk has ${places.length - 1} steps and ends at (${end}), loss ${short(heights.at(-1))}.`);
  }

  function drawCurve({ x, y, width, height }, heights) {
    const values = heights.map((value) => Math.log10(Math.min(1e12, Math.max(1e-6, Number.isNaN(value) ? 1e12 : value))));
    let low = Math.min(...values, values[0] - 0.5);
    let high = Math.max(...values, values[0] + 0.1);
    [low, high] = [Math.max(-6, low) - 0.05, high + 0.05];
    const last = Math.max(10, values.length - 1);
    const place = (step, value) => [x + (width * step) / last, y + (height * (high - value)) / (high - low)];
    const drawn = [text(x, y - 9, "loss at each step", "vl-title")];
    const marks = [];
    const gap = Math.max(1, Math.ceil((high - low) / 8));
    for (let power = Math.ceil(low); power <= high; power += gap)
      for (const digit of high - low < 2 ? [1, 2, 5] : [1]) marks.push(power + Math.log10(digit));
    if (high - low < 2) marks.push(Math.floor(low) + Math.log10(2), Math.floor(low) + Math.log10(5));
    for (const mark of marks.filter((value) => value >= low && value <= high)) {
      const level = place(0, mark)[1];
      drawn.push(svg("path", { d: `M${x} ${level}h${width}`, stroke: "var(--vl-rule)", "stroke-width": 1 }));
      drawn.push(text(x - 5, level + 4, short(10 ** mark), "vl-small", { "text-anchor": "end" }));
    }
    const every = [1, 2, 5, 10, 20, 50, 100].find((gap) => last / gap <= 6) ?? 100;
    for (let step = 0; step <= last; step += every)
      drawn.push(text(place(step, 0)[0], y + height + 16, step, "vl-small", { "text-anchor": "middle" }));
    drawn.push(text(x + width, y + height + 31, "step", "vl-small", { "text-anchor": "end" }));
    drawn.push(svg("path", { d: `M${x} ${y}v${height}h${width}`, fill: "none", stroke: "var(--vl-soft)" }));
    const points = values.map((value, step) => place(step, value));
    drawn.push(svg("path", { "data-curve": "", d: `M${points.map((p) => p.join(" ")).join("L")}`, fill: "none", stroke: "var(--vl-accent)", "stroke-width": 2 }));
    drawn.push(svg("circle", { cx: points.at(-1)[0], cy: points.at(-1)[1], r: 4, fill: "var(--vl-accent)" }));
    return drawn;
  }

  function say(state, landscape, places, heights, hand) {
    const [x, y] = places.at(-1);
    const [, slopeX, slopeY] = landscape.at(x, y, state._inked);
    const taken = places.length - 1;
    const gone = !(Math.max(Math.abs(x), Math.abs(y)) < FAR);
    Object.assign(status.dataset, { steps: taken, loss: heights.at(-1), x, y });
    status.setAttribute("aria-live", timer ? "off" : "polite");
    const best = heights.reduce((a, b) => Math.min(a, b));
    status.replaceChildren(
      html("span", {}, `${taken} step${taken === 1 ? "" : "s"}`),
      html("b", {}, `loss ${short(heights.at(-1))}`),
      html("span", {}, `at (${short(x)}, ${short(y)})`),
      html("span", {}, `slope ${short(Math.hypot(slopeX, slopeY))}`),
      html("span", {}, `lowest so far ${short(best)}`),
      ...(gone ? [html("span", { class: "vl-refused" }, "The walk has left for infinity: the steps are too long.")] : []),
    );
    rule.textContent = `Rule: ${RULES[state.method]}` + (hand ? "." : ",  g: the gradient" + (state.noise ? " plus noise." : "."));
    hint.replaceChildren(
      ...(hand
        ? ["Click the map, or focus it and press the arrow keys: each click or key is a step (", html("kbd", {}, "Shift"), " longer, ", html("kbd", {}, "Backspace"), " back)."]
        : ["Click the map, or focus it and press the arrow keys, to move the start (large dot); ", html("kbd", {}, "Enter"), " takes a step."]),
      " Green arrow: steepest descent.",
    );
  }

  // Life
  const redraw = coalesce(draw);
  for (const name of names) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    clearInterval(timer);
    unwatch();
    for (const name of names) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderDescent };
