// The training dashboard: four charts of a table of numbers that the kernel fills, and the buttons that steer it.
import { button, coalesce, darkTheme, html, ICONS, setter, slider, svg, text, watch } from "./drawing.js";

const COLUMNS = ["step", "loss", "accuracy", "validationLoss", "validationAccuracy", "rate"];
const DASHES = ["", "6 3", "8 3 2 3", "2 3", "5 2 1 2", "1 2"];
const USUAL_RATIO = 1e-3;
const QUARTERS = 8; // the slider goes from 10^(−8/4) to 10^(8/4)
const STOP = "M3.5 3.5h9v9h-9z";
const VIEW = { width: 420, height: 168, left: 46, right: 10, top: 8, bottom: 32 };

/** The rows of the table: an object each, `ratios` last. */
export function readTable(bytes, layers) {
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const numbers = new Float32Array(copy);
  const width = COLUMNS.length + layers;
  return Array.from({ length: Math.floor(numbers.length / width) }, (_, i) => {
    const row = numbers.subarray(i * width, (i + 1) * width);
    return { ...Object.fromEntries(COLUMNS.map((name, k) => [name, row[k]])), ratios: [...row.subarray(COLUMNS.length)] };
  });
}

/** Round numbers for an axis from `low` to `high`: powers of ten, with 2 and 5 between if there are few. */
export function ticks(low, high, log) {
  if (!log) {
    const rough = (high - low) / 4 || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const gap = [1, 2, 2.5, 5, 10].map((k) => k * power).find((step) => step >= rough);
    const first = Math.ceil(low / gap - 1e-9);
    return Array.from({ length: Math.floor(high / gap + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * gap).toPrecision(6)));
  }
  const found = [];
  const decades = Math.log10(high / low);
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    if (decades < 6 || power % 2 === 0)
      for (const digit of decades < 1.6 ? [1, 2, 5] : [1]) found.push(Number((digit * 10 ** power).toPrecision(3)));
  return found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
}

const short = (value) => {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const words = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(0) : String(Number(value.toPrecision(3)));
  return words.replace("-", "−");
};
const percent = (value) => `${Math.round(100 * value)} %`;

function renderDashboard({ model, el }) {
  const set = setter(model);
  const order = (word) => model.send({ do: word });

  const start = button({ control: "start", label: "Start", title: "Train, or hold the training", icon: ICONS.play, onClick: () => order(model.get("status") === "training" ? "pause" : "start") });
  const step = button({ control: "step", label: "One step", title: "Go on by one step, then hold", icon: ICONS.step, onClick: () => order("step") });
  const stop = button({ control: "stop", label: "Stop", title: "End the training", icon: STOP, onClick: () => order("stop") });
  const over = button({ control: "over", label: "Start over", title: "Stop, and put the first weights back", icon: ICONS.start, onClick: () => order("over") });
  const rate = slider({ control: "rate", label: "learning rate ×", onInput: (at) => set({ rate_factor: 10 ** (at / 4) }) });

  const said = html("p", { class: "vl-formula", role: "status", "aria-live": "polite", "data-training": true });
  const numbers = html("p", { class: "vl-formula" });
  const charts = ["loss", "accuracy", "learning rate η", "update / weight, by layer"].map((title) => {
    const key = html("figcaption", {}, html("b", {}, title));
    const picture = svg("svg", { viewBox: `0 0 ${VIEW.width} ${VIEW.height}`, role: "img" });
    return { title, key, picture, element: html("figure", {}, key, html("div", { class: "vl-stage" }, picture)) };
  });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Training dashboard" },
    html("div", { class: "vl-bar" }, html("div", { class: "vl-transport" }, start.element, step.element, stop.element, over.element), rate.element),
    said,
    numbers,
    html("div", { class: "vl-charts" }, ...charts.map((chart) => chart.element)),
    html("p", { class: "vl-note" }, "Training loss and accuracy: means over the batches since the point before. Update / weight: length of a step's change as a share of the length of a layer's weights; about 0.001 (grey line) is usual."),
  );
  el.append(root);

  const layers = model.get("_layers");
  const line = (i) => ({ colour: `var(--vl-line-${i % 6})`, dash: DASHES[i % 6] });
  const training = { name: "training", ...line(0) };
  const validation = { name: "validation", ...line(5), dash: "6 3", dots: true };
  const keys = [[training, validation], [training, validation], [], layers.map((name, i) => ({ name, ...line(i) }))];
  charts.forEach(({ key }, i) => {
    for (const { name, colour, dash } of keys[i])
      key.append(html("span", {}, svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" }, svg("path", { d: "M0 4h22", stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash })), name));
  });

  /** One chart: series are {colour, dash, dots, points: [[step, value], …]}. */
  function plot({ title, picture }, series, { log = false, least = 0, most = null, reference = null, write = short }) {
    const [whole, epoch] = model.get("_steps");
    const values = series.flatMap(({ points }) => points.map(([, value]) => value)).filter((value) => Number.isFinite(value) && (!log || value > 0));
    if (reference) values.push(reference);
    let low = log ? Math.min(...values) / 1.3 : least;
    let high = most ?? Math.max(...values, log ? 0 : least) * (log ? 1.3 : 1.06);
    if (!values.length || !(high > low)) [low, high] = log ? [1e-5, 1] : [0, most ?? 1];
    const inner = { x: VIEW.left, y: VIEW.top, width: VIEW.width - VIEW.left - VIEW.right, height: VIEW.height - VIEW.top - VIEW.bottom };
    const scale = log ? Math.log10 : (value) => value;
    const across = (at) => inner.x + (inner.width * at) / Math.max(1, whole);
    const up = (value) => inner.y + (inner.height * (scale(high) - scale(Math.min(high, Math.max(low, value))))) / (scale(high) - scale(low));
    const drawn = [];
    for (const mark of ticks(low, high, log)) {
      drawn.push(svg("path", { d: `M${inner.x} ${up(mark)}h${inner.width}`, stroke: "var(--vl-rule)" }));
      drawn.push(text(inner.x - 5, up(mark) + 4, write(mark), "vl-small", { "text-anchor": "end" }));
    }
    const marked = whole / epoch <= 40; // epochs, by ticks
    for (let at = epoch; marked && at <= whole; at += epoch)
      drawn.push(svg("path", { d: `M${across(at)} ${inner.y + inner.height}v-5`, stroke: "var(--vl-soft)" }));
    for (const mark of ticks(0, whole, false)) drawn.push(text(across(mark), VIEW.height - 18, mark, "vl-small", { "text-anchor": "middle" }));
    drawn.push(text(VIEW.width - VIEW.right, VIEW.height - 4, marked ? "step (ticks: epochs)" : "step", "vl-small", { "text-anchor": "end" }));
    drawn.push(svg("path", { d: `M${inner.x} ${inner.y}v${inner.height}h${inner.width}`, fill: "none", stroke: "var(--vl-soft)" }));
    if (reference) drawn.push(svg("path", { d: `M${inner.x} ${up(reference)}h${inner.width}`, stroke: "var(--vl-soft)", "stroke-width": 1.5 }));
    for (const { colour, dash, dots, points } of series) {
      const seen = points.filter(([, value]) => Number.isFinite(value) && (!log || value > 0)).map(([at, value]) => [across(at), up(value)]);
      if (!seen.length) continue;
      drawn.push(svg("path", { "data-line": true, d: `M${seen.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`, fill: "none", stroke: colour, "stroke-width": 1.8, "stroke-dasharray": dash, "stroke-linejoin": "round" }));
      if (dots || seen.length === 1) drawn.push(...seen.map(([cx, cy]) => svg("circle", { cx, cy, r: 2.4, fill: colour })));
    }
    picture.replaceChildren(...drawn);
    const last = series.map(({ name, points }) => `${name} ${write(points.filter(([, value]) => Number.isFinite(value)).at(-1)?.[1] ?? NaN)}`);
    picture.setAttribute("aria-label", `${title} by step. ${values.length > (reference ? 1 : 0) ? `Now: ${last.join(", ")}.` : "Nothing yet."}`);
  }

  const LABELS = { ready: "Start", training: "Pause", paused: "Go on", done: "Train again", stopped: "Train again", failed: "Train again" };
  const SAID = { ready: "Ready.", training: "Training …", paused: "Paused.", done: "Done.", stopped: "Stopped.", failed: "Failed." };

  function draw() {
    darkTheme(root);
    const status = model.get("status");
    const [whole, epoch] = model.get("_steps");
    const rows = readTable(model.get("_table"), layers.length);
    const now = rows.at(-1);
    start.show(LABELS[status], status === "training" ? ICONS.pause : ICONS.play);
    step.element.disabled = status === "training";
    stop.element.disabled = !["training", "paused"].includes(status);
    over.element.disabled = status === "ready" && !rows.length;
    const factor = model.get("rate_factor");
    rate.show(Math.round(4 * Math.log10(factor)), -QUARTERS, QUARTERS);
    const words = factor >= 10 ? String(Math.round(factor)) : short(Number(factor.toPrecision(2)));
    rate.element.querySelector("output").textContent = words;
    rate.element.querySelector("input").setAttribute("aria-valuetext", `learning rate times ${words}`);

    if (said.dataset.status !== status) {
      said.replaceChildren(html("b", { class: status === "failed" ? "vl-refused" : null }, SAID[status]), html("span", {}, model.get("message")));
      said.dataset.status = status;
    }
    said.dataset.step = now ? now.step : 0;
    const looked = rows.filter((row) => Number.isFinite(row.validationAccuracy)).at(-1);
    numbers.replaceChildren(
      html("span", {}, now ? `step ${now.step} of ${whole}, epoch ${Math.ceil(now.step / epoch)} of ${whole / epoch}` : `${whole} steps, ${whole / epoch} epochs`),
      ...(now ? [html("span", {}, `loss ${short(now.loss)}`), html("span", {}, `accuracy ${percent(now.accuracy)}`)] : []),
      ...(looked ? [html("span", {}, `validation ${percent(looked.validationAccuracy)}`)] : []),
      ...(now ? [html("span", {}, `rate ${short(now.rate)}`)] : []),
    );
    const curve = (key, name) => ({ ...key, points: rows.map((row) => [row.step, row[name]]) });
    plot(charts[0], [curve(training, "loss"), curve(validation, "validationLoss")], {});
    plot(charts[1], [curve(training, "accuracy"), curve(validation, "validationAccuracy")], { most: 1, write: percent });
    plot(charts[2], [{ ...curve(training, "rate"), name: "" }], {});
    plot(charts[3], layers.map((name, i) => ({ name, ...line(i), points: rows.map((row) => [row.step, row.ratios[i]]) })), { log: true, reference: USUAL_RATIO });
  }

  const redraw = coalesce(draw);
  const watched = ["status", "message", "rate_factor", "_table", "_steps"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderDashboard };
