// Digits in the plane of an embedding: neighbours, triplets, and the clock of the training. As embedding_explorer.py.
import { button, coalesce, darkTheme, html, ICONS, keyboardStage, setter, slider, watch } from "./drawing.js";

const NEIGHBOURS = 6;
const DIGIT = 22; // CSS pixels
const GLIDE = 450; // milliseconds from one snapshot to the next

/** Squared distances of all places (x, y, x, y, …) from one. */
export function squaredFrom(places, anchor) {
  const squared = new Float64Array(places.length / 2);
  for (let i = 0; i < squared.length; i++)
    squared[i] = (places[2 * i] - places[2 * anchor]) ** 2 + (places[2 * i + 1] - places[2 * anchor + 1]) ** 2;
  return squared;
}

/** The nearest ones, nearest first: [index, distance]. */
export function nearest(places, anchor, count = NEIGHBOURS) {
  const squared = squaredFrom(places, anchor);
  const others = [...squared.keys()].filter((i) => i !== anchor);
  return others.sort((a, b) => squared[a] - squared[b] || a - b).slice(0, count).map((i) => [i, Math.sqrt(squared[i])]);
}

/** The farthest of the same label, the nearest of another, and their loss; null if there is none. */
export function triplet(places, labels, anchor, margin) {
  const squared = squaredFrom(places, anchor);
  let [positive, negative] = [-1, -1];
  for (let i = 0; i < squared.length; i++) {
    if (labels[i] !== labels[anchor]) {
      if (negative < 0 || squared[i] < squared[negative]) negative = i;
    } else if (i !== anchor && (positive < 0 || squared[i] > squared[positive])) positive = i;
  }
  if (positive < 0 || negative < 0) return null;
  const [toPositive, toNegative] = [squared[positive], squared[negative]];
  return { positive, negative, toPositive, toNegative, loss: Math.max(0, toPositive - toNegative + margin) };
}

/** The nearest place in a direction ([1, 0] right, [0, 1] up), within 45°; the anchor itself if there is none. */
export function towards(places, anchor, [right, up]) {
  let [best, least] = [anchor, Infinity];
  for (let i = 0; i < places.length / 2; i++) {
    const [x, y] = [places[2 * i] - places[2 * anchor], places[2 * i + 1] - places[2 * anchor + 1]];
    const [along, across] = [x * right + y * up, Math.abs(x * up) + Math.abs(y * right)];
    if (along > 0 && across <= along && x * x + y * y < least) [best, least] = [i, x * x + y * y];
  }
  return best;
}

function renderEmbedding({ model, el }) {
  const set = setter(model);
  const { labels, steps, unseen, margin, colours, side, right } = model.get("_about");
  const bytesOf = (name) => {
    const view = model.get(name);
    return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  };
  const pixels = new Uint8Array(bytesOf("_pixels"));
  const count = labels.length;
  const all = new Float32Array(bytesOf("_places"));
  const snapshots = steps.map((_, t) => all.subarray(2 * count * t, 2 * count * (t + 1)));
  const sprites = labels.map((label, i) => sprite(i, colours[label]));

  // Controls
  const clock = slider({ control: "at", label: "the digits after … steps of training", onInput: (t) => set({ at: t }) });
  const play = button({ control: "play", label: "Train", title: "Go through the training", icon: ICONS.play, onClick: onPlay });
  const canvas = html("canvas", { "aria-hidden": "true" });
  const stage = keyboardStage(
    "Digits in the plane. Arrow keys choose the nearest digit in a direction; Page Up and Page Down move the clock.",
    { keydown: onKey, pointerdown: onPointer, pointermove: (event) => hover(event), pointerleave: () => hover(null) },
    canvas,
  );
  const chosen = html("canvas", { width: side, height: side, "aria-hidden": "true" });
  const about = html("div");
  const close = html("ol", { class: "vl-close", "aria-label": "Nearest digits, nearest first" });
  const told = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-embedding": "" });
  const score = html("p");
  const legend = html("p", { class: "vl-legend" }, ...[...new Set(labels)].sort().map((digit) => {
    const chip = html("i");
    chip.style.background = colours[digit];
    return html("span", { "data-unseen": String(unseen.includes(digit)) }, chip, unseen.includes(digit) ? `${digit} (not in the training)` : digit);
  }));
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Embedding explorer" },
    html("div", { class: "vl-bar" }, clock.element, html("div", { class: "vl-transport" }, play.element)),
    html("div", { class: "vl-embedding" }, stage, html("div", { class: "vl-beside" }, html("div", { class: "vl-anchor" }, chosen, about), html("h4", {}, "Nearest digits, and how far"), close)),
    legend,
    score,
    told,
    html("p", { class: "vl-note" }, "Click a digit to choose it, or walk with ", html("kbd", {}, "←"), " ", html("kbd", {}, "→"), " ", html("kbd", {}, "↑"), " ", html("kbd", {}, "↓"), ". Thin lines: the six nearest, green if they are the same digit, orange if not. Thick: to the farthest of the same digit (blue), and to the nearest of another (orange, dashed)."),
  );
  el.append(root);

  /** A digit in a colour, with its ink as opacity. */
  function sprite(i, colour) {
    const one = html("canvas", { width: side, height: side });
    const context = one.getContext("2d");
    const image = context.createImageData(side, side);
    const rgb = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    for (let j = 0; j < side * side; j++) image.data.set([...rgb, pixels[i * side * side + j]], 4 * j);
    context.putImageData(image, 0, 0);
    return one;
  }

  function plain(into, i) {
    const context = into.getContext("2d");
    const image = context.createImageData(side, side);
    for (let j = 0; j < side * side; j++) image.data.set([1, 1, 1].map(() => pixels[i * side * side + j]).concat(255), 4 * j);
    context.putImageData(image, 0, 0);
  }

  // Where everything is drawn: glides from the snapshot shown last to the one that is chosen
  let shown = model.get("at");
  let [from, to, since] = [shown, shown, 0];
  let over = -1; // the digit under the pointer
  let playing = false;
  let frame = 0;

  function bounds(places) {
    let [left, bottom, rightmost, top] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < count; i++) {
      left = Math.min(left, places[2 * i]);
      rightmost = Math.max(rightmost, places[2 * i]);
      bottom = Math.min(bottom, places[2 * i + 1]);
      top = Math.max(top, places[2 * i + 1]);
    }
    return { x: (left + rightmost) / 2, y: (bottom + top) / 2, width: Math.max(1e-9, rightmost - left), height: Math.max(1e-9, top - bottom) };
  }

  /** From the plane to CSS pixels of the canvas, at a moment of the glide (0 … 1). */
  function view(t, width, height) {
    const scaleOf = (one) => Math.min((width - 2 * DIGIT) / one.width, (height - 2 * DIGIT) / one.height);
    const mix = (a, b) => a + (b - a) * t;
    const [a, b] = [bounds(snapshots[from]), bounds(snapshots[to])];
    const scale = Math.exp(mix(Math.log(scaleOf(a)), Math.log(scaleOf(b))));
    const [x, y] = [mix(a.x, b.x), mix(a.y, b.y)];
    const at = (i) => [
      width / 2 + (mix(snapshots[from][2 * i], snapshots[to][2 * i]) - x) * scale,
      height / 2 - (mix(snapshots[from][2 * i + 1], snapshots[to][2 * i + 1]) - y) * scale,
    ];
    return { at, scale };
  }

  let places = () => [0, 0]; // of the last drawing, for the pointer

  function draw() {
    const dark = darkTheme(root);
    const now = model.get("at");
    const moment = performance.now();
    if (now !== to) [from, to, since] = [to, now, moment];
    const t = Math.min(1, (moment - since) / GLIDE);
    if (t === 1) from = to;
    const { width, height } = stage.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio))
      [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const { at, scale } = view(t * t * (3 - 2 * t), width, height);
    places = at;
    const anchor = model.get("anchor");
    const near = nearest(snapshots[now], anchor);
    const three = triplet(snapshots[now], labels, anchor, margin);
    const [good, bad, blue] = dark ? ["#2fc79a", "#ff7f2a", "#56b4e9"] : ["#00795a", "#d55e00", "#0072b2"];
    const line = (i, colour, thick, dash = []) => {
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(...at(anchor));
      context.lineTo(...at(i));
      context.stroke();
      context.setLineDash([]);
    };
    const put = (i, size) => {
      const [x, y] = at(i);
      context.drawImage(sprites[i], x - size / 2, y - size / 2, size, size);
    };
    const ring = (i, colour, thick, half = DIGIT / 2 + 1) => {
      const [x, y] = at(i);
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.strokeRect(x - half, y - half, 2 * half, 2 * half);
    };
    context.globalAlpha = 0.85;
    for (let i = 0; i < count; i++) if (i !== anchor) put(i, DIGIT);
    context.globalAlpha = 1;
    for (const [i] of near) line(i, labels[i] === labels[anchor] ? good : bad, 1.4);
    if (three) {
      line(three.positive, blue, 3);
      line(three.negative, bad, 3, [7, 5]);
      ring(three.positive, blue, 2);
      ring(three.negative, bad, 2);
    }
    for (const [i] of near) put(i, DIGIT);
    const ink = dark ? "#fff" : "#1b1f24";
    context.fillStyle = dark ? "#222" : "#fff";
    const [x, y] = at(anchor);
    context.fillRect(x - DIGIT * 0.75, y - DIGIT * 0.75, DIGIT * 1.5, DIGIT * 1.5);
    put(anchor, DIGIT * 1.4);
    ring(anchor, ink, 2.5, DIGIT * 0.75);
    if (over >= 0 && over !== anchor) ring(over, ink, 1);
    ruler(context, scale, height, ink);
    tell(now, anchor, near, three);
    if (t < 1) later();
    else if (playing) {
      if (now + 1 < snapshots.length) set({ at: now + 1 });
      else stop();
    }
  }

  /** A length of the plane, to read distances by: 1, or 10, 100, … or a tenth, … */
  function ruler(context, scale, height, ink) {
    const power = 10 ** Math.floor(Math.log10(150 / scale));
    const length = [5, 2, 1].find((k) => k * power * scale <= 150) * power;
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(14, height - 20);
    context.lineTo(14, height - 12);
    context.lineTo(14 + length * scale, height - 12);
    context.lineTo(14 + length * scale, height - 20);
    context.stroke();
    context.font = "12px system-ui, sans-serif";
    context.fillText(`distance ${Number(length.toPrecision(1))}`, 18, height - 18);
  }

  const named = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
  const few = (value) => (value >= 100 ? value.toFixed(0) : value >= 0.0995 || value === 0 ? value.toFixed(2) : value.toPrecision(2));

  let last = "";
  function tell(now, anchor, near, three) {
    clock.show(now, 0, snapshots.length - 1);
    clock.element.querySelector("output").textContent = steps[now];
    clock.element.querySelector("input").setAttribute("aria-valuetext", `${steps[now]} steps`);
    play.show(playing ? "Pause" : "Train", playing ? ICONS.pause : ICONS.play);
    const key = `${now} ${anchor}`;
    if (key === last) return;
    last = key;
    const label = labels[anchor];
    plain(chosen, anchor);
    about.replaceChildren(html("b", {}, named(label)), html("br"), unseen.includes(label) ? "The training has seen no digit of this kind." : "Not in the training, but many of its kind were.");
    close.replaceChildren(...near.map(([i, distance]) => {
      const picture = html("canvas", { width: side, height: side, "aria-hidden": "true" });
      plain(picture, i);
      return html("li", { "data-same": String(labels[i] === label) }, picture, labels[i], html("small", {}, few(distance)));
    }));
    const [used, fresh] = right[now].map((share) => (share === null ? null : `${Math.round(100 * share)} %`));
    score.replaceChildren("The nearest neighbour is the same digit: ", html("b", {}, used), fresh ? ` of the digits in the training, ` : "", fresh ? html("b", {}, fresh) : "", fresh ? ` of those that were not (${unseen.join(", ")}).` : " of all.");
    Object.assign(told.dataset, { anchor, step: steps[now], near: near.map(([i]) => labels[i]).join(" ") });
    if (!three) return told.replaceChildren("There is no triplet with this anchor.");
    told.dataset.loss = three.loss;
    told.dataset.student = three.loss > 0 ? "wrong" : "right";
    told.replaceChildren(
      `The hardest triplet of this anchor: [${few(three.toPositive)} − ${few(three.toNegative)} + ${margin}]₊ = `, html("b", {}, few(three.loss)),
      `. Farthest ${label}: ${few(three.toPositive)}, nearest other digit (${named(labels[three.negative])}): ${few(three.toNegative)}; distances squared.`,
    );
  }

  // Choosing
  function nearestTo(event) {
    const box = canvas.getBoundingClientRect();
    let [best, least] = [-1, 26 ** 2];
    for (let i = 0; i < count; i++) {
      const [x, y] = places(i);
      const far = (x - event.clientX + box.left) ** 2 + (y - event.clientY + box.top) ** 2;
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  function onPointer(event) {
    const i = nearestTo(event);
    if (i >= 0) set({ anchor: i });
  }

  function hover(event) {
    const i = event ? nearestTo(event) : -1;
    if (i === over) return;
    over = i;
    stage.title = i >= 0 ? named(labels[i]) : "";
    later();
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const turn = { PageUp: 1, PageDown: -1 }[event.key];
    const now = model.get("at");
    if (move) set({ anchor: towards(snapshots[now], model.get("anchor"), move) });
    else if (turn) set({ at: Math.min(snapshots.length - 1, Math.max(0, now + turn)) });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function onPlay() {
    playing = !playing;
    if (playing && model.get("at") === snapshots.length - 1) set({ at: 0 });
    later();
  }

  function stop() {
    playing = false;
    play.show("Train", ICONS.play);
  }

  // Life
  const redraw = coalesce(draw);
  function later() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(redraw);
  }
  model.on("change:anchor change:at", redraw);
  const unwatch = watch(root, redraw);
  return () => {
    playing = false;
    cancelAnimationFrame(frame);
    unwatch();
    model.off("change:anchor change:at", redraw);
  };
}

export default { render: renderEmbedding };
