// The class maximiser: an image that the kernel changes step by step, its score, and sliders that may be moved meanwhile.
import { button, choice, coalesce, darkTheme, html, ICONS, setter, slider, svg, text, watch } from "./drawing.js";

const VIEW = { width: 420, height: 150, left: 40, right: 10, top: 8, bottom: 30 };
// On the slider: name, the largest value, marks a unit.
const SLIDERS = { smoothness: ["smooth steps", 2, 20], l2: ["L2: back to grey, a step", 0.2, 200], blur: ["blur, pixels", 2, 20], jitter: ["jitter, pixels", 32, 1] };

/** The rows of the table: [step, score, probability] each. */
export function readTable(bytes) {
  const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return Array.from({ length: Math.floor(numbers.length / 3) }, (_, i) => [...numbers.subarray(3 * i, 3 * i + 3)]);
}

const percent = (value) => `${(100 * value).toFixed(value > 0.1 && value < 0.995 ? 0 : 1)} %`;

function renderMaximiser({ model, el }) {
  const set = setter(model);
  const order = (word) => model.send({ do: word });
  const start = button({ control: "start", label: "Start", title: "Climb, or hold", icon: ICONS.play, onClick: () => order(model.get("status") === "running" ? "pause" : "start") });
  const step = button({ control: "step", label: "One step", title: "Go on by one step", icon: ICONS.step, onClick: () => order("step") });
  const over = button({ control: "over", label: "Start over", title: "Stop, and go back to the first image", icon: ICONS.start, onClick: () => order("over") });
  const target = choice({ control: "target", label: "class", words: model.get("_targets"), onInput: (word) => set({ target: word }) });
  const objective = choice({ control: "objective", label: "maximise", words: [["score", "its score"], ["probability", "its probability"]], onInput: (word) => set({ objective: word }) });
  const from = choice({ control: "from", label: "from", words: model.get("_with_photo") ? ["grey", "photograph"] : ["grey"], onInput: (word) => set({ start: word }) });
  const sliders = Object.fromEntries(Object.entries(SLIDERS).map(([name, [label, , marks]]) => [name, slider({ control: name, label, onInput: (mark) => set({ [name]: mark / marks }) })]));
  const [without, common] = model.get("_presets");
  const none = button({ control: "none", label: "No regularisation", title: "All four sliders to 0", onClick: () => set(without) });
  const usual = button({ control: "usual", label: "Usual values", title: "Values that make recognisable images", onClick: () => set(common) });

  const image = html("img", { alt: "" });
  const chart = svg("svg", { viewBox: `0 0 ${VIEW.width} ${VIEW.height}`, role: "img" });
  const said = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-maximiser": true });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Class maximiser" },
    html("div", { class: "vl-bar" }, target.element, objective.element, from.element, html("div", { class: "vl-transport" }, start.element, step.element, over.element)),
    html(
      "div",
      { class: "vl-dream" },
      image,
      html(
        "div",
        {},
        html("div", { class: "vl-bar" }, ...Object.values(sliders).map((one) => one.element)),
        html("div", { class: "vl-transport", style: "margin-top: 8px" }, none.element, usual.element),
        html("figure", {}, html("figcaption", {}, "score of the class"), html("div", { class: "vl-stage" }, chart)),
      ),
    ),
    said,
    html("p", { class: "vl-note" }, "The sliders may be moved while it runs. Another class, or another start, begins anew."),
  );
  el.append(root);

  function plot(rows) {
    const inner = { x: VIEW.left, y: VIEW.top, width: VIEW.width - VIEW.left - VIEW.right, height: VIEW.height - VIEW.top - VIEW.bottom };
    const whole = model.get("_steps_in_all");
    const scores = rows.map((row) => row[1]);
    const high = Math.max(10, ...scores) * 1.05;
    const low = Math.min(0, ...scores);
    const x = (at) => inner.x + (inner.width * at) / whole;
    const y = (value) => inner.y + (inner.height * (high - value)) / (high - low);
    const gap = high > 40 ? 20 : high > 16 ? 10 : 5;
    const drawn = [];
    for (let mark = 0; mark <= high; mark += gap) drawn.push(svg("path", { d: `M${inner.x} ${y(mark)}h${inner.width}`, stroke: "var(--vl-rule)" }), text(inner.x - 5, y(mark) + 4, mark, "vl-small", { "text-anchor": "end" }));
    for (const mark of [0, whole / 3, (2 * whole) / 3, whole]) drawn.push(text(x(mark), VIEW.height - 14, Math.round(mark), "vl-small", { "text-anchor": "middle" }));
    drawn.push(text(VIEW.width - VIEW.right, VIEW.height - 1, "step", "vl-small", { "text-anchor": "end" }));
    if (rows.length) drawn.push(svg("path", { "data-line": true, d: `M${rows.map(([at, score]) => `${x(at).toFixed(1)} ${y(score).toFixed(1)}`).join("L")}`, fill: "none", stroke: "var(--vl-accent)", "stroke-width": 2 }));
    chart.replaceChildren(...drawn);
    chart.setAttribute("aria-label", rows.length ? `Score by step, now ${scores.at(-1).toFixed(1)}` : "Score by step; nothing yet");
  }

  const LABELS = { ready: "Start", running: "Pause", paused: "Go on", done: "Again", stopped: "Go on", failed: "Again" };

  function draw() {
    darkTheme(root);
    const status = model.get("status");
    const rows = readTable(model.get("_table"));
    const now = rows.at(-1);
    start.show(LABELS[status], status === "running" ? ICONS.pause : ICONS.play);
    step.element.disabled = status === "running";
    over.element.disabled = status === "ready" && !rows.length;
    target.show(model.get("target"));
    objective.show(model.get("objective"));
    from.show(model.get("start"));
    for (const [name, [, most, marks]] of Object.entries(SLIDERS)) {
      const value = model.get(name);
      sliders[name].show(Math.round(value * marks), 0, most * marks);
      const words = String(Number(value.toFixed(3)));
      sliders[name].element.querySelector("output").textContent = words;
      sliders[name].element.querySelector("input").setAttribute("aria-valuetext", words);
    }
    image.src = `data:image/png;base64,${model.get("_picture")}`;
    image.alt = now ? `An image after ${now[0]} steps towards ${model.get("target")}` : `The first image: ${model.get("start")}`;
    plot(rows);
    said.textContent = status === "failed" ? `Failed. ${model.get("message")}` : now ? `Step ${now[0]} of ${model.get("_steps_in_all")}: score of ${model.get("target")} ${now[1].toFixed(1)}, probability ${percent(now[2])}. The network sees: ${model.get("_answer")}.` : "Ready.";
    Object.assign(said.dataset, { status, step: now ? now[0] : 0, score: now ? now[1] : "", target: model.get("target") });
  }

  const redraw = coalesce(draw);
  const watched = ["status", "message", "target", "objective", "start", "_picture", "_table", "_answer", ...Object.keys(SLIDERS)];
  for (const name of watched) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderMaximiser };
