// The transfer explorer: linear classifiers on features from every depth, all trained before. Only looks things up.
import { choice, coalesce, darkTheme, html, setter, slider, svg, text, watch } from "./drawing.js";

const VIEW = { width: 430, height: 216, left: 38, right: 12, top: 10, bottom: 40 };
const DASHES = ["", "7 3", "8 3 2 3", "2 3"];
const percent = (value) => `${Math.round(100 * value)} %`;

/** The answers at a choice: one number a test image. `said` holds them by task, depth, number of images. */
export function answersAt(said, about, task, depth, images) {
  const numbers = about.per_class.length;
  let start = 0;
  for (const one of about.tasks.slice(0, task)) start += about.depths.length * numbers * one.labels.length;
  const count = about.tasks[task].labels.length;
  start += (depth * numbers + images) * count;
  return said.subarray(start, start + count);
}

/** Where the pictures of a task begin: a training image of each class, then the test images that are shown. */
export function picturesOf(pixels, about, task) {
  let start = 0;
  const length = ({ shape, classes }) => (classes.length + about.shown) * shape[0] * shape[1] * shape[2];
  for (const one of about.tasks.slice(0, task)) start += length(one);
  return pixels.subarray(start, start + length(about.tasks[task]));
}

/** Position on an axis of numbers of images, logarithmic: 0 … 1. */
export function along(count, per_class, others = []) {
  const all = [...per_class, ...others];
  const [low, high] = [Math.min(...all), Math.max(...all)].map(Math.log);
  return high > low ? (Math.log(count) - low) / (high - low) : 0.5;
}

function renderTransfer({ model, el }) {
  const set = setter(model);
  const about = model.get("_about");
  const bytes = (name) => {
    const view = model.get(name);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  };
  const said = bytes("_said");
  const pixels = bytes("_pixels");
  const names = about.tasks.map((one) => one.name);

  const task = choice({ control: "task", label: "task", words: names, onInput: (word) => set({ task: word }) });
  const depth = slider({ control: "depth", label: "features after", onInput: (value) => set({ depth: value }) });
  const images = slider({ control: "images", label: "training images of each class", onInput: (value) => set({ images: value }) });

  const chart = (key, listener) => {
    const picture = svg("svg", { viewBox: `0 0 ${VIEW.width} ${VIEW.height}`, role: "img" });
    const caption = html("figcaption");
    return { picture, caption, element: html("figure", { "data-chart": key }, caption, html("div", { class: "vl-stage", click: listener }, picture)) };
  };
  const inner = { x: VIEW.left, y: VIEW.top, width: VIEW.width - VIEW.left - VIEW.right, height: VIEW.height - VIEW.top - VIEW.bottom };
  const shareOf = (event, picture) => {
    const box = picture.getBoundingClientRect();
    return ((VIEW.width * (event.clientX - box.left)) / box.width - inner.x) / inner.width;
  };
  const last = about.depths.length - 1;
  const byDepth = chart("depth", (event) => set({ depth: Math.min(last, Math.max(0, Math.round(last * shareOf(event, byDepth.picture)))) }));
  const references = (one) => one.reference.map(([count]) => count);
  const byNumber = chart("images", (event) => {
    const one = about.tasks[names.indexOf(model.get("task"))];
    const far = (count) => Math.abs(along(count, about.per_class, references(one)) - shareOf(event, byNumber.picture));
    const nearest = about.per_class.reduce((best, count, i) => (far(count) < far(about.per_class[best]) ? i : best), 0);
    set({ images: nearest });
  });
  const learned = html("ul", { class: "vl-thumbs", "aria-hidden": "true" });
  const learnedTitle = html("h4");
  const tested = html("ul", { class: "vl-thumbs", "aria-label": "Test images and answers" });
  const status = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-transfer": true });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Transfer explorer" },
    html("div", { class: "vl-bar" }, task.element, depth.element, images.element),
    html("div", { class: "vl-transfer" }, byDepth.element, byNumber.element),
    status,
    html("div", { class: "vl-transfer-images" }, learnedTitle, learned, html("h4", {}, "Test images, and what it says to them (green: right; orange: wrong)"), tested),
    html("p", { class: "vl-note" }, "Click into a chart to choose a depth or a number of images. All classifiers were trained when this cell ran."),
  );
  el.append(root);

  function thumb(values, [height, width, channels], words, truth = words, right = undefined) {
    const canvas = html("canvas", { width, height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = values[channels * i + (channels === 3 ? k : 0)];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return html("li", { "data-right": right === undefined ? null : String(right), title: right === false ? `it says ${words}; it is ${truth}` : truth }, canvas, words);
  }

  /** Axes from 0 to 100 %, then what belongs there. */
  function axes({ picture }, marks, title, drawn) {
    const lines = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
      const y = inner.y + inner.height * (1 - share);
      return [svg("path", { d: `M${inner.x} ${y}h${inner.width}`, stroke: "var(--vl-rule)" }), text(inner.x - 5, y + 4, Math.round(100 * share), "vl-small", { "text-anchor": "end" })];
    });
    const labels = marks.map(([share, words]) => text(inner.x + inner.width * share, VIEW.height - 24, words, "vl-small", { "text-anchor": "middle" }));
    picture.replaceChildren(...lines, ...labels, text(VIEW.width - VIEW.right, VIEW.height - 6, title, "vl-small", { "text-anchor": "end" }), text(2, VIEW.height - 6, "test accuracy, %", "vl-small"), ...drawn);
  }
  const path = (points, attributes) => svg("path", { "data-line": true, d: `M${points.map(([x, y]) => `${(inner.x + inner.width * x).toFixed(1)} ${(inner.y + inner.height * (1 - y)).toFixed(1)}`).join("L")}`, fill: "none", "stroke-linejoin": "round", ...attributes });
  const dot = ([x, y], r, attributes) => svg("circle", { cx: inner.x + inner.width * x, cy: inner.y + inner.height * (1 - y), r, ...attributes });
  const ring = (at) => [dot(at, 8, { fill: "none", stroke: "var(--vl-paper)", "stroke-width": 5 }), dot(at, 8, { fill: "none", stroke: "var(--vl-wrong)", "stroke-width": 2.5 })];
  const colour = (i) => `var(--vl-line-${i % 4})`;
  const key = (words, style) => html("span", {}, svg("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" }, svg("path", { d: "M1 4h22", "stroke-width": 2.4, ...style })), words);

  function draw() {
    darkTheme(root);
    const [at, deep, many] = [names.indexOf(model.get("task")), model.get("depth"), model.get("images")];
    const one = about.tasks[at];
    const count = about.per_class[many];
    task.show(one.name);
    depth.show(deep, 0, last);
    images.show(many, 0, about.per_class.length - 1);
    const words = deep === 0 ? about.depths[0] : `${about.depths[deep]} (${one.numbers[deep].toLocaleString("en")} numbers)`;
    for (const [control, value] of [[depth, words], [images, String(count)]]) {
      control.element.querySelector("output").textContent = value;
      control.element.querySelector("input").setAttribute("aria-valuetext", value);
    }

    // By depth: all tasks
    const place = (i) => (last ? i / last : 0.5);
    const order = about.tasks.map((_, i) => i).sort((a, b) => (a === at) - (b === at));
    const lines = order.flatMap((i) => {
      const points = about.depths.map((_, d) => [place(d), about.tasks[i].accuracy[d][many]]);
      const style = { stroke: colour(i), "stroke-dasharray": DASHES[i % 4], "stroke-width": i === at ? 2.6 : 1.3, opacity: i === at ? 1 : 0.75 };
      return [path(points, style), ...(i === at ? points.map((point) => dot(point, 2.6, { fill: colour(i) })) : [])];
    });
    axes(byDepth, about.depths.map((name, d) => [place(d), name]), "features after", [...lines, ...ring([place(deep), one.accuracy[deep][many]])]);
    const keys = about.tasks.map((other, i) => key(other.name, { stroke: colour(i), "stroke-dasharray": DASHES[i % 4] }));
    byDepth.caption.replaceChildren(html("b", {}, `By depth, with ${count} image${count > 1 ? "s" : ""} of each class`), ...keys);
    byDepth.picture.setAttribute("aria-label", `Accuracy by depth. ${one.name}: ${about.depths.map((name, d) => `${name} ${percent(one.accuracy[d][many])}`).join(", ")}.`);

    // By number: this task; the lowest and the highest depth for comparison
    const across = (n) => along(n, about.per_class, references(one));
    const row = (d) => about.per_class.map((n, i) => [across(n), one.accuracy[d][i]]);
    const others = [[0, "2 3"], [last, "6 3"]].filter(([d]) => d !== deep);
    const compared = others.map(([d, dash]) => path(row(d), { stroke: "var(--vl-soft)", "stroke-width": 1.3, "stroke-dasharray": dash }));
    const beside = one.reference.map(([n, value]) => [across(n), value]);
    const known = beside.length
      ? [path(beside, { stroke: "var(--vl-ink)", "stroke-width": 1.2, "stroke-dasharray": "1 3" }), ...beside.map(([x, y]) => svg("rect", { x: inner.x + inner.width * x - 3.5, y: inner.y + inner.height * (1 - y) - 3.5, width: 7, height: 7, fill: "var(--vl-ink)" }))]
      : [];
    axes(byNumber, about.per_class.map((n) => [across(n), n]), "images of each class", [...compared, ...known, path(row(deep), { stroke: colour(at), "stroke-width": 2.6 }), ...row(deep).map((point) => dot(point, 2.6, { fill: colour(at) })), ...ring(row(deep)[many])]);
    byNumber.caption.replaceChildren(
      html("b", {}, `${one.name}, by number of images`),
      key(`after ${about.depths[deep]}`, { stroke: colour(at) }),
      ...others.map(([d, dash]) => key(`after ${about.depths[d]}`, { stroke: "var(--vl-soft)", "stroke-dasharray": dash })),
      ...(beside.length ? [key(about.reference_name, { stroke: "var(--vl-ink)", "stroke-width": 7, "stroke-dasharray": "7 99" })] : []),
    );
    byNumber.picture.setAttribute("aria-label", `Accuracy by number of images: ${about.per_class.map((n, i) => `${n}: ${percent(one.accuracy[deep][i])}`).join(", ")}.`);

    // The images
    const answers = answersAt(said, about, at, deep, many);
    const size = one.shape[0] * one.shape[1] * one.shape[2];
    const pictures = picturesOf(pixels, about, at);
    const picture = (i) => pictures.subarray(i * size, (i + 1) * size);
    const more = (count - 1) * one.classes.length;
    learnedTitle.textContent = `It learned from these${more ? ` and ${more} more` : ", and nothing else"}`;
    learned.replaceChildren(...one.classes.map((name, i) => thumb(picture(i), one.shape, name)));
    tested.replaceChildren(...Array.from({ length: Math.min(about.shown, one.labels.length) }, (_, i) => thumb(picture(one.classes.length + i), one.shape, one.classes[answers[i]], one.classes[one.labels[i]], answers[i] === one.labels[i])));

    const right = one.labels.filter((label, i) => label === answers[i]).length;
    const best = one.accuracy.reduce((top, row, d) => (row[many] > one.accuracy[top][many] ? d : top), 0);
    status.textContent = `${one.name}, ${count} image${count > 1 ? "s" : ""} of each class, features after ${about.depths[deep]}: ${right} of ${one.labels.length} test images right, ${percent(right / one.labels.length)}. From ${about.depths[0]}: ${percent(one.accuracy[0][many])}, from ${about.depths[last]}: ${percent(one.accuracy[last][many])}; best after ${about.depths[best]}.`;
    Object.assign(status.dataset, { right, task: one.name, depth: deep, count });
  }

  const redraw = coalesce(draw);
  const watched = ["task", "depth", "images"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderTransfer };
