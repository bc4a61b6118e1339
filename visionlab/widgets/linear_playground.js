// A linear classifier in the plane: points to drag, live training, regions, loss and its curve.
import {
  button, choice, coalesce, darkTheme, html, ICONS, keyboardStage, slider, svg, text, watch,
} from "./drawing.js";

const REACH = 3;
const MOST_POINTS = 90;
const MOST_KEPT = 240;
const TOO_LARGE = 1e6;
const STEPS_PER_FRAME = 2;
const RASTER = 200;
const SIZE = 430;
const STRENGTHS = [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
const INKS = ["#0072B2", "#E69F00", "#009E73"];
const INKS_ON_DARK = ["#5DB7F0", "#F2B430", "#35CFA3"];
const RGB = INKS.map((ink) => [1, 3, 5].map((i) => parseInt(ink.slice(i, i + 2), 16)));

/** Scores of one place. */
export function scoresAt(weights, biases, x, y) {
  return weights.map(([u, v], k) => u * x + v * y + biases[k]);
}

/** The class with the highest score, the first of several. */
export function best(scores) {
  return scores.reduce((at, score, k) => (score > scores[at] ? k : at), 0);
}

/** Loss, data loss, right answers and gradient; the same arithmetic as Python's `_evaluate`. */
export function evaluateLinear({ points, labels, weights, biases, kind, strength }) {
  const many = Math.min(points.length, labels.length);
  const slope = weights.map((row) => row.map((weight) => 2 * strength * weight));
  const biasSlope = biases.map(() => 0);
  let data = 0;
  let right = 0;
  for (let i = 0; i < many; i++) {
    const [x, y] = points[i];
    const label = labels[i];
    const scores = scoresAt(weights, biases, x, y);
    right += best(scores) === label;
    let pull; // derivative of this point's loss with respect to each score
    if (kind === "softmax") {
      const top = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - top));
      const total = powers.reduce((sum, power) => sum + power, 0);
      data += Math.log(total) - (scores[label] - top);
      pull = powers.map((power, k) => power / total - (k === label));
    } else {
      const margins = scores.map((score, k) => (k === label ? 0 : score - scores[label] + 1));
      data += margins.reduce((sum, margin) => sum + Math.max(0, margin), 0);
      pull = margins.map((margin) => Number(margin > 0));
      pull[label] = -pull.reduce((sum, one) => sum + one, 0);
    }
    pull.forEach((g, k) => {
      slope[k][0] += (g * x) / many;
      slope[k][1] += (g * y) / many;
      biasSlope[k] += g / many;
    });
  }
  data /= Math.max(1, many);
  const squares = weights.flat().reduce((sum, weight) => sum + weight * weight, 0);
  return { loss: data + strength * squares, data, right, many, slope, biasSlope };
}

/** Adds a value to the curve; drops every second one when there are too many. */
export function keep(history, step, loss) {
  const stride = history.length > 1 ? history[1][0] - history[0][0] : 1;
  if (history.length && step - history.at(-1)[0] < stride) return history;
  const longer = [...history, [step, loss]];
  return longer.length > MOST_KEPT ? longer.filter((_, i) => i % 2 === 0) : longer;
}

function renderPlayground({ model, el }) {
  // While it trains or a point is dragged, what is held here counts, not the kernel's echo of some frames ago.
  const held = {};
  const first = { points: model.get("points"), labels: model.get("labels") };
  const TRAINED = ["weights", "biases", "steps", "history"];
  const POINTS = ["points", "labels"];
  const take = (names) => names.forEach((name) => (held[name] = model.get(name)));
  let giving = false; // setting one trait must not take the others back from the model
  const give = (names) => {
    giving = true;
    names.forEach((name) => model.set(name, held[name]));
    giving = false;
    model.save_changes();
  };
  take([...TRAINED, ...POINTS]);
  const names = () => model.get("names");
  const setting = () => ({ ...held, kind: model.get("loss_kind"), strength: model.get("strength") });
  let frame = 0; // of the running animation
  let saved = 0;
  let dragged = -1;
  let selected = -1;
  let inks = INKS;
  let mode = "0"; // what a click does: the class it adds, or "remove"

  // Controls
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const kind = choice({
    control: "loss",
    label: "loss",
    words: [["softmax", "softmax"], ["hinge", "hinge"]],
    onInput: (word) => set("loss_kind", word),
  });
  const strength = slider({
    control: "strength",
    label: "regularisation",
    symbol: "λ",
    onInput: (i) => set("strength", STRENGTHS[i]),
  });
  const rate = slider({ control: "rate", label: "learning rate", symbol: "η", onInput: (i) => set("rate", RATES[i]) });
  const click = choice({
    control: "click",
    label: "a click on the plane",
    words: [...names().map((name, k) => [String(k), `adds a “${name}”`]), ["remove", "removes a point"]],
    onInput: (word) => {
      mode = word;
      redraw();
    },
  });
  const start = button({
    control: "start",
    label: "Start",
    title: "Start or stop training",
    icon: ICONS.play,
    onClick: () => set("running", !model.get("running")),
  });
  const step = button({ control: "step", label: "Step", title: "One step of gradient descent", icon: ICONS.step, onClick: oneStep });
  const reset = button({
    control: "reset",
    label: "Reset",
    title: "All weights become 0",
    icon: ICONS.start,
    onClick: () => {
      stop();
      held.weights = held.weights.map(() => [0, 0]);
      held.biases = held.biases.map(() => 0);
      held.steps = 0;
      held.history = [[0, evaluateLinear(setting()).loss]];
      give(TRAINED);
      tell("All weights are 0 again.");
      redraw();
    },
  });
  const restore = button({
    control: "restore",
    label: "First points",
    title: "The points as they were at the beginning",
    onClick: () => {
      Object.assign(held, first);
      selected = -1;
      give(POINTS);
      tell(`The ${held.points.length} first points are back.`);
      redraw();
    },
  });

  // Picture
  const canvas = html("canvas", { "aria-hidden": "true" });
  canvas.width = canvas.height = RASTER;
  const picture = svg("svg", { role: "img", viewBox: `0 0 ${SIZE} ${SIZE}` });
  const stage = keyboardStage(
    "Plane with points. Page Up and Page Down choose a point, arrow keys move it, Delete removes it, Enter adds one.",
    {
      keydown: onKey,
      pointerdown: onDown,
      pointermove: onMove,
      pointerup: onUp,
      pointercancel: onUp,
    },
    canvas,
    picture,
  );
  const curve = svg("svg", { role: "img", viewBox: "0 0 340 210", "aria-label": "Loss against step" });
  const figures = html("div", { class: "vl-numbers" });
  const status = html("p", { class: "vl-note", role: "status", "aria-live": "polite" });
  const root = html(
    "div",
    { class: "vl-explorer vl-roomy", role: "group", "aria-label": "Linear classifier in the plane" },
    html("div", { class: "vl-bar" }, kind.element, strength.element, rate.element, click.element),
    html(
      "div",
      { class: "vl-bar" },
      html("div", { class: "vl-transport" }, start.element, step.element, reset.element, restore.element),
    ),
    html("div", { class: "vl-plane" }, stage, html("div", { class: "vl-side" }, figures, curve)),
    status,
    html(
      "p",
      { class: "vl-note" },
      "Drag points; click an empty place to add one. Keyboard, with the plane in focus: ",
      html("kbd", {}, "Page Up"), " ", html("kbd", {}, "Page Down"), " choose a point, ",
      ...["←", "→", "↑", "↓"].flatMap((name) => [html("kbd", {}, name), " "]),
      "move it, ", html("kbd", {}, "Delete"), " removes it, ", html("kbd", {}, "Enter"), " adds one. A ring marks a point on the wrong side.",
    ),
  );
  el.append(root);
  const tell = (words) => (status.textContent = words);

  // Training
  function descend() {
    const now = evaluateLinear(setting());
    const eta = model.get("rate");
    held.weights = held.weights.map((row, k) => row.map((weight, d) => weight - eta * now.slope[k][d]));
    held.biases = held.biases.map((bias, k) => bias - eta * now.biasSlope[k]);
    held.steps += 1;
    const { loss } = evaluateLinear(setting());
    held.history = keep(held.history, held.steps, loss);
    return loss < TOO_LARGE;
  }

  function oneStep() {
    stop();
    descend();
    give(TRAINED);
    tell(`Step ${held.steps}: loss ${evaluateLinear(setting()).loss.toFixed(3)}.`);
    redraw();
  }

  function animate(time) {
    let fine = true;
    for (let i = 0; fine && i < STEPS_PER_FRAME; i++) fine = descend();
    draw();
    if (!fine) {
      frame = 0;
      stop();
      tell("The loss explodes: this learning rate is too large. Choose a smaller one, then Reset.");
      return;
    }
    frame = requestAnimationFrame(animate);
    if (time - saved > 300) {
      saved = time;
      give(TRAINED);
    }
  }

  function stop() {
    cancelAnimationFrame(frame);
    frame = 0;
    model.set("running", false);
    give(TRAINED);
  }

  function onRunning() {
    if (model.get("running") && !frame) {
      tell("Training.");
      frame = requestAnimationFrame(animate);
    } else if (!model.get("running") && frame) {
      stop();
      tell(`Stopped after ${held.steps} steps: loss ${evaluateLinear(setting()).loss.toFixed(3)}.`);
    }
    redraw();
  }

  // Drawing
  const px = (x) => ((x + REACH) / (2 * REACH)) * SIZE;
  const py = (y) => ((REACH - y) / (2 * REACH)) * SIZE;

  function draw() {
    inks = darkTheme(root) ? INKS_ON_DARK : INKS;
    const now = evaluateLinear(setting());
    kind.show(model.get("loss_kind"));
    click.show(mode);
    showAmount(strength, STRENGTHS, model.get("strength"));
    showAmount(rate, RATES, model.get("rate"));
    start.show(...(model.get("running") ? ["Stop", ICONS.pause] : ["Start", ICONS.play]));
    stage.classList.toggle("vl-removes", mode === "remove");
    drawRegions();
    drawPlane();
    drawCurve();
    figures.replaceChildren(
      html("div", {}, html("span", {}, "loss"), html("b", {}, now.loss.toFixed(3)), html("span", {}, `after ${held.steps} steps`)),
      html("div", {}, html("span", {}, `= data ${now.data.toFixed(3)} + λ ΣW² ${(now.loss - now.data).toFixed(3)}`)),
      html("div", {}, html("span", {}, `${now.right} of ${now.many} points right`)),
    );
    root.dataset.loss = now.loss;
    root.dataset.steps = held.steps;
    root.dataset.points = now.many;
    picture.setAttribute("aria-label", `${now.many} points, ${now.right} right; loss ${now.loss.toFixed(3)}`);
  }

  function showAmount(control, list, value) {
    const distance = list.map((entry) => Math.abs(entry - value));
    control.show(distance.indexOf(Math.min(...distance)), 0, list.length - 1);
    control.element.querySelector("output").textContent = value;
    control.element.querySelector("input").setAttribute("aria-valuetext", value);
  }

  function drawRegions() {
    const context = canvas.getContext("2d");
    const image = context.createImageData(RASTER, RASTER);
    const { weights, biases } = held;
    let at = 0;
    for (let i = 0; i < RASTER; i++) {
      const y = REACH - ((i + 0.5) / RASTER) * 2 * REACH;
      for (let j = 0; j < RASTER; j++, at += 4) {
        const x = ((j + 0.5) / RASTER) * 2 * REACH - REACH;
        let top = -Infinity;
        let second = -Infinity;
        let winner = 0;
        for (let k = 0; k < weights.length; k++) {
          const score = weights[k][0] * x + weights[k][1] * y + biases[k];
          if (score > top) [second, top, winner] = [top, score, k];
          else if (score > second) second = score;
        }
        const margin = Math.min(1, top - second);
        [image.data[at], image.data[at + 1], image.data[at + 2]] = RGB[winner];
        image.data[at + 3] = margin > 1e-9 ? 255 * (0.08 + 0.4 * margin) : 0;
      }
    }
    context.putImageData(image, 0, 0);
  }

  function drawPlane() {
    const drawn = [svg("path", { class: "vl-axis", d: `M0 ${SIZE / 2}H${SIZE}M${SIZE / 2} 0V${SIZE}` })];
    const arrows = []; // on top of all lines
    held.weights.forEach(([u, v], k) => {
      const size = Math.hypot(u, v);
      if (size < 1e-6) return;
      const [nx, ny] = [u / size, v / size];
      const [fx, fy] = [(-held.biases[k] / size) * nx, (-held.biases[k] / size) * ny];
      const long = Math.min(1.8, 0.5 * size);
      const [tx, ty] = [fx + long * nx, fy + long * ny];
      const head = Math.min(0.18, long);
      const wing = (side) => `${px(tx - head * nx + side * head * 0.6 * ny)} ${py(ty - head * ny - side * head * 0.6 * nx)}`;
      const arrow = `M${px(fx)} ${py(fy)}L${px(tx)} ${py(ty)}M${wing(1)}L${px(tx)} ${py(ty)}L${wing(-1)}`;
      drawn.push(
        svg("path", {
          class: "vl-zero",
          stroke: inks[k],
          d: `M${px(fx - 20 * ny)} ${py(fy + 20 * nx)}L${px(fx + 20 * ny)} ${py(fy - 20 * nx)}`,
        }),
      );
      arrows.push(
        svg("path", { class: "vl-arrow-ground", d: arrow }),
        svg("path", { class: "vl-arrow", stroke: inks[k], d: arrow }),
      );
    });
    drawn.push(...arrows);
    held.points.forEach(([x, y], i) => {
      const label = held.labels[i] ?? 0;
      const [cx, cy] = [px(x), py(y)];
      if (best(scoresAt(held.weights, held.biases, x, y)) !== label) drawn.push(svg("circle", { class: "vl-ring", cx, cy, r: 9.5 }));
      if (i === selected) drawn.push(svg("circle", { class: "vl-chosen-point", cx, cy, r: 13 }));
      const shape = [
        svg("circle", { cx, cy, r: 6 }),
        svg("rect", { x: cx - 5.5, y: cy - 5.5, width: 11, height: 11 }),
        svg("path", { d: `M${cx} ${cy - 7}l6.5 12h-13z` }),
      ][label];
      shape.setAttribute("class", "vl-point");
      shape.setAttribute("fill", inks[label]);
      drawn.push(shape);
    });
    picture.replaceChildren(...drawn);
  }

  function drawCurve() {
    const [left, right, top, bottom] = [44, 330, 40, 180];
    const values = held.history.map(([, loss]) => loss).filter(Number.isFinite);
    const most = nice(Math.max(0.1, ...values));
    const last = Math.max(10, held.steps);
    const x = (at) => left + ((right - left) * at) / last;
    const y = (loss) => bottom - ((bottom - top) * Math.min(loss, most)) / most;
    const line = held.history.filter(([, loss]) => Number.isFinite(loss)).map(([at, loss]) => `${x(at).toFixed(1)} ${y(loss).toFixed(1)}`);
    const legend = names().map((name, k) => {
      const cx = left + k * 62;
      const shapes = [
        svg("circle", { cx, cy: 12, r: 6 }),
        svg("rect", { x: cx - 5.5, y: 6.5, width: 11, height: 11 }),
        svg("path", { d: `M${cx} 5l6.5 12h-13z` }),
      ];
      shapes[k].setAttribute("fill", inks[k]);
      return [shapes[k], text(cx + 12, 16, name)];
    });
    curve.replaceChildren(
      ...legend.flat(),
      svg("path", { class: "vl-axis", d: `M${left} ${top}V${bottom}H${right}` }),
      text(left - 6, top + 4, most, "", { "text-anchor": "end" }),
      text(left - 6, bottom + 4, "0", "", { "text-anchor": "end" }),
      text(left, bottom + 18, "0", "", { "text-anchor": "middle" }),
      text(right, bottom + 18, String(last), "", { "text-anchor": "end" }),
      text((left + right) / 2, bottom + 18, "step", "", { "text-anchor": "middle" }),
      text(left - 6, (top + bottom) / 2 + 4, "loss", "", { "text-anchor": "end" }),
      svg("path", { class: "vl-curve", d: line.length ? `M${line.join("L")}` : "" }),
    );
  }

  /** The next round number. */
  function nice(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    const factor = [1, 1.2, 1.5, 2, 3, 4, 5, 6, 8, 10].find((candidate) => candidate * power >= value * 0.999);
    return Number((factor * power).toPrecision(2));
  }

  // Points
  function place(event) {
    const frame = stage.getBoundingClientRect();
    const limit = (value) => Math.round(100 * Math.max(-REACH, Math.min(REACH, value))) / 100;
    return [
      limit(((event.clientX - frame.left) / frame.width) * 2 * REACH - REACH),
      limit(REACH - ((event.clientY - frame.top) / frame.height) * 2 * REACH),
    ];
  }

  function nearest([x, y]) {
    let [found, least] = [-1, 0.22];
    held.points.forEach(([u, v], i) => {
      const distance = Math.hypot(u - x, v - y);
      if (distance < least) [found, least] = [i, distance];
    });
    return found;
  }

  const called = (i) => `“${names()[held.labels[i]]}” at (${held.points[i].map((v) => v.toFixed(1).replace("-", "−")).join(", ")})`;

  function add(at) {
    if (held.points.length >= MOST_POINTS) return tell(`There is room for ${MOST_POINTS} points.`);
    const label = mode === "remove" ? 0 : Number(mode);
    held.points = [...held.points, at];
    held.labels = [...held.labels, label];
    selected = held.points.length - 1;
    give(POINTS);
    tell(`Added ${called(selected)}.`);
    redraw();
  }

  function remove(i) {
    tell(`Removed ${called(i)}.`);
    held.points = held.points.filter((_, at) => at !== i);
    held.labels = held.labels.filter((_, at) => at !== i);
    selected = -1;
    give(POINTS);
    redraw();
  }

  function onDown(event) {
    if (event.button) return;
    const at = place(event);
    const i = nearest(at);
    if (mode === "remove") {
      if (i >= 0) remove(i);
    } else if (i >= 0) {
      dragged = selected = i;
      stage.setPointerCapture(event.pointerId);
      redraw();
    } else add(at);
  }

  function onMove(event) {
    if (dragged < 0) return;
    held.points = held.points.map((point, i) => (i === dragged ? place(event) : point));
    redraw();
  }

  function onUp() {
    if (dragged < 0) return;
    tell(`Moved ${called(dragged)}.`);
    dragged = -1;
    give(POINTS);
  }

  function onKey(event) {
    const moves = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
    const many = held.points.length;
    if (event.key === "PageDown" || event.key === "PageUp") {
      if (!many) return;
      selected = (selected + (event.key === "PageDown" ? 1 : many - 1 + (selected < 0)) + many) % many;
      tell(`Chosen: ${called(selected)}.`);
    } else if (moves[event.key] && selected >= 0) {
      const limit = (value) => Math.round(100 * Math.max(-REACH, Math.min(REACH, value))) / 100;
      held.points = held.points.map((point, i) => (i === selected ? point.map((v, d) => limit(v + moves[event.key][d])) : point));
      give(POINTS);
      tell(`Moved ${called(selected)}.`);
    } else if (event.key === "Delete" && selected >= 0) remove(selected);
    else if (event.key === "Enter") add(selected >= 0 ? held.points[selected].map((v) => Math.max(-REACH, v - 0.3)) : [0, 0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
    redraw();
  }

  // Life
  const redraw = coalesce(draw);
  const fromKernel = () => {
    if (giving) return;
    if (!frame) take(TRAINED);
    if (dragged < 0) take(POINTS);
    if (selected >= held.points.length) selected = -1;
    redraw();
  };
  const watched = [...TRAINED, ...POINTS, "loss_kind", "strength", "rate"];
  for (const name of watched) model.on(`change:${name}`, fromKernel);
  model.on("change:running", onRunning);
  const unwatch = watch(root, redraw);
  if (model.get("running")) onRunning();
  return () => {
    unwatch();
    if (frame) stop();
    for (const name of watched) model.off(`change:${name}`, fromKernel);
    model.off("change:running", onRunning);
  };
}

export default { render: renderPlayground };
