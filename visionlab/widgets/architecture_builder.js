// The architecture builder: controls, a row of boxes, and bars. What they say is measured in architecture_builder.py.
import { choice, coalesce, darkTheme, html, setter, slider, svg, uniqueId, watch } from "./drawing.js";

const TALL = 120; // height of the image's box, in CSS pixels
const SETTINGS = ["preset", "pattern", "blocks", "width", "widest", "hidden", "bottleneck", "shortcut", "shrink_early", "side", "classes"];
const SHORTCUTS = [
  ["projection", "1×1 convolution, normalised"],
  ["subsample", "1×1 convolution alone"],
  ["pad", "zeros, nothing to learn"],
];
/** A box in three faces: its front is `wide`×`tall`, and it goes back by `deep`. */
function cuboid(wide, tall, deep) {
  const back = deep / 2;
  const size = { width: wide + deep + 2, height: tall + back + 2 };
  const up = `l${deep} ${-back}`;
  return svg(
    "svg",
    { ...size, viewBox: `-1 -1 ${size.width} ${size.height}`, "aria-hidden": "true" },
    svg("path", { class: "vl-top", d: `M0 ${back}${up}h${wide}l${-deep} ${back}z` }),
    svg("path", { class: "vl-side", d: `M${wide} ${back}${up}v${tall}l${-deep} ${back}z` }),
    svg("path", { d: `M0 ${back}h${wide}v${tall}h${-wide}z` }),
  );
}

/** A part of the network: its box, as tall as its maps and as wide as the root of their number, and what it is. */
function figure({ name, kind, shape, about }, imageSide) {
  const [maps, side = 1] = shape;
  const tall = Math.max(4, (TALL * side) / imageSide);
  return html(
    "figure",
    { "data-kind": kind, "data-part": name },
    cuboid(Math.max(3, Math.sqrt(maps)), tall, 0.3 * tall),
    html("b", {}, name),
    html("span", {}, shape.join("×")),
    html("span", {}, about),
  );
}

/** A row of the table: what a part costs, each cost as a share of the whole, which fills so much of its cell, and as a number. */
function row({ name, kind, costs }) {
  const cells = costs.map(([share, percent, words]) => {
    const bar = html("div", {}, html("b", {}, percent), " ", words);
    bar.style.setProperty("--vl-fill", share ? `max(2px, ${100 * share}%)` : "0");
    return html("td", {}, bar);
  });
  return html("tr", { "data-kind": kind, "data-row": name }, html("th", { scope: "row" }, name), ...cells);
}

function renderBuilder({ model, el }) {
  const set = setter(model);
  const offer = model.get("_offer");
  const grouped = (value) => value.toLocaleString("en");

  /** A choice among numbers; `words` says how one is written. */
  const numbers = (control, label, values, words = grouped) => {
    const pick = choice({ control, label, words: values.map((value) => [value, words(value)]), onInput: (value) => set({ [control]: Number(value) }) });
    return { element: pick.element, show: () => pick.show(String(model.get(control))) };
  };
  const words = (control, label, list) => {
    const pick = choice({ control, label, words: list, onInput: (value) => set({ [control]: value }) });
    return { element: pick.element, show: () => pick.show(model.get(control)) };
  };
  const check = (control, label) => {
    const id = uniqueId();
    const input = html("input", { id, type: "checkbox", "data-control": control, "data-lm-suppress-shortcuts": "true", change: () => set({ [control]: input.checked }) });
    return { element: html("div", { class: "vl-check" }, input, " ", html("label", { for: id }, label)), show: () => (input.checked = model.get(control)) };
  };

  const last = offer.widest.at(-1);
  const controls = {
    preset: words("preset", "network", offer.presets),
    pattern: words("pattern", "pattern", ["VGG", "ResNet"]),
    side: numbers("side", "images", offer.sides, (side) => `${side}×${side}`),
    classes: numbers("classes", "classes", offer.classes),
    widest: numbers("widest", "doubling stops at", offer.widest, (value) => (value === last ? "never" : `${grouped(value)} channels`)),
    hidden: numbers("hidden", "hidden layers", offer.hidden, (units) => (units ? `two of ${grouped(units)} units` : "none")),
    shortcut: words("shortcut", "shortcut to another shape", SHORTCUTS),
    bottleneck: check("bottleneck", "bottlenecks"),
    shrink_early: check("shrink_early", "shrink early"),
  };
  const own = { VGG: ["widest", "hidden"], ResNet: ["shortcut", "bottleneck", "shrink_early"] };

  // A stage that is taken away and added again has as many blocks as before.
  const kept = [];
  const stages = slider({
    control: "stages", label: "stages",
    onInput: (count) => set({ blocks: Array.from({ length: count }, (_, i) => kept[i] ?? 1) }),
  });
  const width = slider({ control: "width", label: "channels in stage 1", onInput: (at) => set({ width: offer.widths[at] }) });
  width.element.classList.add("vl-first");
  const blocks = offer.mostBlocks.map((_, i) =>
    slider({ control: `blocks-${i + 1}`, label: `stage ${i + 1}`, onInput: (count) => set({ blocks: model.get("blocks").map((old, j) => (j === i ? count : old)) }) }),
  );
  const legend = html("legend");

  const parts = html("div", { class: "vl-parts", role: "img" });
  const rows = html("tbody");
  const totals = ["part", "parameters", "activation memory", "multiply-adds"].map((abbr, i) => {
    const [number, what] = [html("b", { "data-total": i }), html("span")];
    return { number, what, element: html("th", { scope: "col", abbr }, number, what) };
  });
  const table = html("table", { class: "vl-costs" }, html("thead", {}, html("tr", {}, ...totals.map((one) => one.element))), rows);
  const shown = html("div", {}, parts, table);
  const refused = html("p", { class: "vl-refused", role: "alert" });
  const said = html("p", { role: "status", "aria-live": "polite", "data-said": true });
  const note = html("p", { class: "vl-note" });
  const root = html(
    "div",
    { class: "vl-explorer vl-builder", role: "group", "aria-label": "Architecture builder" },
    html("div", { class: "vl-bar" }, ...["preset", "pattern", "side", "classes"].map((name) => controls[name].element)),
    html("div", { class: "vl-bar" }, stages.element, width.element, ...Object.values(own).flat().map((name) => controls[name].element)),
    html("fieldset", {}, legend, html("div", { class: "vl-bar" }, ...blocks.map((one) => one.element))),
    refused,
    shown,
    said,
    note,
  );
  el.append(root);

  function draw() {
    darkTheme(root);
    const pattern = model.get("pattern");
    for (const control of Object.values(controls)) control.show();
    for (const [name, theirs] of Object.entries(own)) for (const control of theirs) controls[control].element.hidden = name !== pattern;
    const counts = model.get("blocks");
    counts.forEach((count, i) => (kept[i] = count));
    stages.show(counts.length, 1, blocks.length);
    width.show(offer.widths.indexOf(model.get("width")), 0, offer.widths.length - 1);
    width.element.querySelector("output").textContent = model.get("width");
    width.element.querySelector("input").setAttribute("aria-valuetext", model.get("width"));
    legend.textContent = pattern === "VGG" ? "3×3 convolutions in each stage" : "residual blocks in each stage";
    blocks.forEach((one, i) => {
      one.element.hidden = i >= counts.length;
      one.show(counts[i] ?? 1, 1, offer.mostBlocks[i]);
    });

    const picture = model.get("_picture");
    const problem = model.get("_refused");
    refused.hidden = !problem;
    refused.textContent = problem && `${problem} Below is the last network that works.`;
    shown.dataset.stale = Boolean(problem);
    totals.forEach(({ number, what }, i) => {
      const [count, words] = picture.totals[i];
      number.replaceChildren(...count.split(/(?<=,)/).flatMap((digits) => [digits, html("wbr")])); // may break after a comma
      what.textContent = words;
    });
    parts.replaceChildren(...[picture.image, ...picture.parts].map((part) => figure(part, picture.image.shape[1])));
    parts.setAttribute("aria-label", [picture.image, ...picture.parts].map(({ name, shape, about }) => `${name} ${shape.join("×")}, ${about}`).join("; "));
    rows.replaceChildren(...picture.parts.map(row));
    said.textContent = picture.said;
    note.textContent = picture.note;
  }

  const redraw = coalesce(draw);
  const events = [...SETTINGS, "_picture", "_refused"].map((name) => `change:${name}`).join(" ");
  model.on(events, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    model.off(events, redraw);
  };
}

export default { render: renderBuilder };
