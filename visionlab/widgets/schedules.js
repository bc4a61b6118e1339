// Charts with sliders: schedules of the learning rate, and the step of a finite difference.
import { choice, coalesce, darkTheme, html, setter, slider, svg, text, uniqueId, watch } from "./drawing.js";

const EPOCHS = 100;
const LEAST_ERROR = 1e-13; // errors below it are drawn here: the axis is logarithmic
const DASHES = ["", "8 4", "10 3 2 3", "2 3", "12 3 2 3 2 3", ""];

/** Name to the shares of the first rate at epochs 0, 1, …, 100; as ScheduleExplorer.rates. */
export function rates({ drop, every, decay, k, warm_up }) {
  const rules = {
    step: (t) => drop ** Math.floor(t / every),
    "exponential, by epochs": (t) => decay ** t,
    root: (t) => Math.sqrt(1 - t / EPOCHS),
    inverse: (t) => 1 / (1 + k * t),
    exponential: (t) => Math.exp(-k * t),
    cosine: (t) => (t < warm_up ? t / warm_up : 0.5 * (1 + Math.cos((Math.PI * (t - warm_up)) / (EPOCHS - warm_up)))),
  };
  const epochs = Array.from({ length: EPOCHS + 1 }, (_, t) => t);
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, epochs.map(rule)]));
}

/** Three digits, a true minus sign, powers of ten where they are shorter. */
function short(value) {
  const size = Math.abs(value);
  const words = size !== 0 && (size < 1e-3 || size >= 1e4) ? value.toExponential(1).replace(".0e", "e") : `${Number(value.toPrecision(3))}`;
  return words.replaceAll("-", "−");
}

const raised = (power) => `10${[...`${power}`].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("")}`;

/** Where the marks of an axis stand, and what they say. */
function marks({ least, most, log }, wanted) {
  if (log) {
    const [first, last] = [Math.ceil(Math.log10(least)), Math.floor(Math.log10(most))];
    const every = Math.ceil((last - first + 1) / wanted);
    const powers = Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => last - i * every);
    return powers.map((power) => [10 ** power, raised(power)]);
  }
  const rough = (most - least) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const gap = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough);
  const decimals = Math.max(0, -Math.floor(Math.log10(gap) + 1e-9));
  const found = [];
  for (let i = Math.ceil(least / gap - 1e-9); i * gap <= most + 1e-9 * gap; i++)
    found.push([i * gap, (i * gap).toFixed(decimals).replace("-", "−")]);
  return found;
}

/** A frame with axes at {x, y, width, height}: {place(v, w), elements, inside}; what is put `inside` is clipped. */
function chart({ x, y, width, height, title, across, up, id }) {
  const share = ({ least, most, log }, value) =>
    log ? Math.log10(Math.max(value, 1e-300) / least) / Math.log10(most / least) : (value - least) / (most - least);
  const place = (v, w) => [x + width * share(across, v), y + height * (1 - share(up, w))];
  const square = `M${x} ${y}h${width}v${height}h${-width}z`;
  const inside = svg("g", { "clip-path": `url(#${id})` });
  const elements = [svg("clipPath", { id }, svg("path", { d: square }))];
  for (const [value, words] of marks(up, 5)) {
    const level = place(across.least, value)[1];
    elements.push(svg("path", { d: `M${x} ${level}h${width}`, stroke: "var(--vl-rule)" }));
    elements.push(text(x - 6, level + 4, words, "vl-small", { "text-anchor": "end" }));
  }
  for (const [value, words] of marks(across, Math.min(6, width / 60))) {
    const [column] = place(value, up.least);
    elements.push(svg("path", { d: `M${column} ${y + height}v5`, stroke: "var(--vl-soft)" }));
    elements.push(text(column, y + height + 18, words, "vl-small", { "text-anchor": "middle" }));
  }
  elements.push(text(x, y - 9, title, "vl-title"));
  elements.push(text(x + width / 2, y + height + 36, across.label, "vl-small", { "text-anchor": "middle" }));
  elements.push(inside, svg("path", { class: "vl-frame", d: `M${x} ${y}v${height}h${width}` }));
  return { place, elements, inside };
}

/** A line through points of an SVG. */
function line(points, colour, { dash = "", width = 2, name = null } = {}) {
  const d = `M${points.map(([x, y]) => `${x.toFixed(2)} ${Math.max(-1e4, Math.min(1e4, y)).toFixed(2)}`).join("L")}`;
  return svg("path", { d, fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dash || null, "data-line": name });
}

const dot = ([cx, cy], colour, r = 4.5) => svg("circle", { cx, cy, r, fill: colour, stroke: "var(--vl-paper)", "stroke-width": 1.5 });

/** One entry of a key below a chart. */
function keyed(name, colour, dash, width, value = null) {
  const sample = svg("svg", { viewBox: "0 0 34 12", "aria-hidden": "true" }, line([[0, 6], [34, 6]], colour, { dash, width }));
  return html("div", {}, sample, html("span", {}, name), value);
}

/** What both widgets are made of: controls, a picture, a key and a line of words; `draw(parts)` fills them. */
function frame(el, model, label, controls, draw) {
  const picture = svg("svg", { role: "img" });
  const stage = html("div", { class: "vl-stage" }, picture);
  const key = html("div", { class: "vl-key" });
  const words = html("p", { role: "status", "aria-live": "polite" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": label },
    html("div", { class: "vl-bar" }, ...controls),
    stage,
    key,
    words,
  );
  el.append(root);
  const redraw = coalesce(() => {
    darkTheme(root);
    const width = Math.max(280, stage.clientWidth);
    const height = draw({ picture, key, words, width });
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("height", height);
  });
  model.on("change", redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    model.off("change", redraw);
  };
}

/** Shows a slider's value as words, in steps of `unit`. */
function showSlider(control, value, least, most, unit, words = short(value)) {
  control.show(Math.round(value / unit), Math.round(least / unit), Math.round(most / unit));
  control.element.querySelector("output").textContent = words;
  control.element.querySelector("input").setAttribute("aria-valuetext", words);
}

function renderSchedules({ model, el }) {
  const set = setter(model);
  const sliders = [
    ["drop", "step: factor", "", 0.1, 0.9, 0.1],
    ["every", "step: every", "", 5, 60, 5],
    ["decay", "epoch: factor", "", 0.9, 0.999, 0.001],
    ["k", "constant", "k", 0.01, 1, 0.01],
    ["warm_up", "cosine: warm-up", "", 0, 40, 1],
    ["epoch", "read at epoch", "", 0, EPOCHS, 1],
  ].map(([name, label, symbol, least, most, unit]) => ({
    name,
    least,
    most,
    unit,
    control: slider({ control: name, label, symbol, onInput: (value) => set({ [name]: Number((value * unit).toFixed(3)) }) }),
  }));
  const id = uniqueId();
  const log = html("input", {
    id: `${id}-log`,
    type: "checkbox",
    "data-control": "log",
    "data-lm-suppress-shortcuts": "true",
    change: () => set({ log: log.checked }),
  });
  const check = html("div", { class: "vl-check" }, log, " ", html("label", { for: log.id }, "logarithmic axis"));

  function draw({ picture, key, words, width }) {
    const state = Object.fromEntries(["drop", "every", "decay", "k", "warm_up", "epoch", "log"].map((name) => [name, model.get(name)]));
    for (const { name, least, most, unit, control } of sliders) showSlider(control, state[name], least, most, unit);
    log.checked = state.log;
    const height = Math.min(300, Math.max(190, 0.42 * width));
    const up = state.log ? { least: 1e-4, most: 1.5, log: true } : { least: 0, most: 1.05 };
    const across = { least: 0, most: EPOCHS, label: "epoch" };
    const size = { x: 44, y: 24, width: width - 58, height };
    const { place, elements, inside } = chart({ ...size, title: "learning rate, as a share of η₀", across, up, id });
    const [column] = place(state.epoch, up.least);
    inside.append(svg("path", { d: `M${column} ${size.y}v${height}`, stroke: "var(--vl-soft)", "stroke-dasharray": "2 3" }));
    const entries = Object.entries(rates(state)).map(([name, shares], i) => {
      const colour = `var(--vl-line-${i})`;
      const options = { dash: DASHES[i], width: name === "cosine" ? 2.8 : 2, name };
      const points = shares.flatMap((share, t) => {
        const fallen = name === "step" && t > 0 && share !== shares[t - 1];
        return fallen ? [place(t, shares[t - 1]), place(t, share)] : [place(t, share)];
      });
      inside.append(line(points, colour, options), dot(place(state.epoch, shares[state.epoch]), colour));
      const label = name === "cosine" && state.warm_up ? "cosine with warm-up" : name;
      return { name: label, share: shares[state.epoch], element: keyed(label, colour, options.dash, options.width, html("b", { "data-rate": name }, short(shares[state.epoch]))) };
    });
    picture.replaceChildren(...elements);
    picture.setAttribute("aria-label", "Six schedules of the learning rate over 100 epochs.");
    key.replaceChildren(...entries.map(({ element }) => element));
    const [highest] = [...entries].sort((a, b) => b.share - a.share);
    words.textContent = `At epoch ${state.epoch} the highest is ${highest.name}: ${short(highest.share)} of η₀.`;
    return size.y + height + 42;
  }

  return frame(el, model, "Schedules of the learning rate", [...sliders.map(({ control }) => control.element), check], draw);
}

function renderDifference({ model, el }) {
  const set = setter(model);
  const ids = [uniqueId(), uniqueId()];
  const exponent = slider({ control: "exponent", label: "step", symbol: "h", onInput: (halves) => set({ exponent: halves / 2 }) });
  const formula = choice({ control: "formula", label: "difference", words: ["forward", "central"], onInput: (word) => set({ formula: word }) });
  const precision = choice({ control: "precision", label: "precision", words: ["float64", "float32"], onInput: (word) => set({ precision: word }) });

  function draw({ picture, key, words, width }) {
    const table = model.get("_table");
    const [power, rule, number] = ["exponent", "formula", "precision"].map((name) => model.get(name));
    const [row, h] = [Math.round(-2 * power), 10 ** power];
    showSlider(exponent, power, -14, 0, 0.5, short(h));
    formula.show(rule);
    precision.show(number);
    const slope = table.slopes[`${rule} ${number}`][row];
    const error = Math.abs(slope - table.exact);
    const wide = width >= 620;
    const side = wide ? (width - 138) / 2 : width - 76;
    const height = Math.min(250, Math.max(170, 0.62 * side));
    const place = [
      { x: 62, y: 24, width: side, height },
      wide ? { x: 124 + side, y: 24, width: side, height } : { x: 62, y: height + 94, width: side, height },
    ];

    // The curve, its tangent and the line through the two points that were looked at
    const heights = table.curves[table.reaches[row]];
    const reach = Number(table.reaches[row]);
    const [low, high] = [Math.min(...heights), Math.max(...heights)];
    const room = 0.12 * (high - low) || 1;
    const across = { least: table.at - reach, most: table.at + reach, label: "weight" };
    const left = chart({ ...place[0], title: `loss, h = ${short(h)}`, across, up: { least: low - room, most: high + room }, id: ids[0] });
    const [before, after] = table.ends[row];
    const first = rule === "forward" ? [table.at, table.here] : [table.at - h, before];
    const through = ([v, w], rise) => [across.least, across.most].map((at) => left.place(at, w + rise * (at - v)));
    const curve = heights.map((w, i) => left.place(across.least + (2 * reach * i) / (heights.length - 1), w));
    left.inside.append(
      line(curve, "var(--vl-line-5)", { width: 2.4 }),
      line(through([table.at, table.here], table.exact), "var(--vl-line-2)", { dash: "8 4" }),
      line(through(first, slope), "var(--vl-window)", { name: "chord" }),
      dot(left.place(...first), "var(--vl-window)"),
      dot(left.place(table.at + h, after), "var(--vl-window)"),
    );

    // The error at every h
    const right = chart({
      ...place[1],
      title: "error of the slope",
      across: { least: 10 ** -14.3, most: 10 ** 0.3, log: true, label: "h" },
      up: { least: LEAST_ERROR, most: 1e3, log: true },
      id: ids[1],
    });
    const shown = (value) => Math.max(LEAST_ERROR * 1.5, value);
    const key4 = Object.entries(table.slopes).map(([name, slopes]) => {
      const colour = `var(--vl-line-${name.endsWith("64") ? 5 : 0})`;
      const dash = name.startsWith("central") ? "7 4" : "";
      const points = slopes.map((value, i) => right.place(10 ** (-i / 2), shown(Math.abs(value - table.exact))));
      right.inside.append(line(points, colour, { dash, width: name === `${rule} ${number}` ? 3 : 1.5 }));
      return keyed(name, colour, dash, 2);
    });
    const [column] = right.place(h, 1);
    right.inside.append(
      svg("path", { d: `M${column} ${place[1].y}v${height}`, stroke: "var(--vl-window)", "stroke-dasharray": "2 3" }),
      dot(right.place(h, shown(error)), "var(--vl-window)", 6),
    );
    picture.replaceChildren(...left.elements, ...right.elements);
    picture.setAttribute("aria-label", "Left: the curve, its tangent, and the line whose slope the difference measures. Right: the error of the slope against h.");
    key.replaceChildren(
      keyed("loss", "var(--vl-line-5)", "", 2.4),
      keyed("tangent: exact slope", "var(--vl-line-2)", "8 4", 2),
      keyed("slope from the difference", "var(--vl-window)", "", 2),
      ...key4,
    );
    say(words, table, { rule, number, h, slope, error });
    return place[1].y + height + 42;
  }

  function say(words, table, { rule, number, h, slope, error }) {
    const [got, exact] = [slope, table.exact].map((value) => value.toFixed(12).replace("-", "−"));
    const digits = Math.max(0, Math.floor(-Math.log10(Math.max(error / Math.max(Math.abs(table.exact), 1e-300), 1e-16))));
    let [right, seen] = [0, 0]; // how much of the number is right; leading zeros are no digits
    while (seen < digits && right < got.length) if (/[1-9]/.test(got[right++]) || (seen && /0/.test(got[right - 1]))) seen++;
    Object.assign(words.dataset, { slope, digits });
    words.replaceChildren(
      `${rule === "forward" ? "Forward" : "Central"} difference in ${number}, h = ${short(h)}: slope `,
      html("b", { style: "color: var(--vl-right)" }, got.slice(0, right)),
      html("b", { style: "color: var(--vl-wrong)" }, got.slice(right)),
      `, exact ${exact}; about ${digits} digit${digits === 1 ? "" : "s"} right.`,
    );
  }

  return frame(el, model, "Finite differences", [exponent.element, formula.element, precision.element], draw);
}

const renderChart = (view) => (view.model.get("kind") === "schedules" ? renderSchedules : renderDifference)(view);

export default { render: renderChart };
