// A detector's boxes, scene by scene, and its curve of precision over recall. Python judges; see detection_explorer.py.
import { button, choice, coalesce, darkTheme, html, setter, slider, svg, text, watch } from "./drawing.js";

const LOOKS = {
  dropped: { stroke: "#9aa3af", "stroke-width": 0.9, opacity: 0.75 },
  truth: { stroke: "#ffffff", "stroke-width": 1.6, "stroke-dasharray": "1.5 3.5" },
  missed: { stroke: "#ffffff", "stroke-width": 2.4, "stroke-dasharray": "7 4" },
  hit: { stroke: "#2fc79a", "stroke-width": 2.6 },
  "false alarm": { stroke: "#ff7f2a", "stroke-width": 2.6 },
};
const WIDTH = 400;
const HEIGHT = 330;
const LEFT = 62;
const BOTTOM = 40;

/** The steps of a curve as an SVG path: precision holds from the recall before up to its own. */
export function steps(recall, precision, x, y) {
  let path = "";
  let before = 0;
  recall.forEach((r, i) => {
    path += `${i ? "L" : "M"}${x(before)} ${y(precision[i])}L${x(r)} ${y(precision[i])}`;
    before = r;
  });
  return path;
}

/** The best precision at each place of the ranking or after it: what average precision is the area of. */
export function bestFromHere(precision) {
  const best = [...precision];
  for (let i = best.length - 2; i >= 0; i--) best[i] = Math.max(best[i], best[i + 1]);
  return best;
}

function renderDetection({ model, el }) {
  const set = setter(model);
  const [count, side] = model.get("_size");
  const view = model.get("_pixels");
  const pixels = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const go = (scene) => set({ scene: (scene + count) % count });

  const scene = slider({ control: "scene", label: "scene", onInput: (value) => set({ scene: value }) });
  const knobs = [
    ["least_score", "show boxes with a score of at least … %", 0, 100],
    ["most_overlap", "drop if IoU with a better box is above … %", 0, 100],
    ["least_overlap", "a hit if IoU with a true box is at least … %", 5, 95],
  ].map(([name, label, least, most]) => ({ name, least, most, control: slider({ control: name, label, onInput: (value) => set({ [name]: value }) }) }));
  const words = [["-1", "all digits"], ...[...Array(10).keys()].map((digit) => [String(digit), `only ${digit}`])];
  const digit = choice({ control: "digit", label: "curve and counts of", words, onInput: (word) => set({ digit: Number(word) }) });
  digit.element.style.flex = "0 1 130px";
  const previous = button({ control: "previous", label: "Previous", onClick: () => go(model.get("scene") - 1) });
  const next = button({ control: "next", label: "Next", onClick: () => go(model.get("scene") + 1) });

  const canvas = html("canvas", { width: side, height: side, "aria-hidden": "true" });
  const drawn = svg("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" });
  const curve = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "vl-curve", role: "img", "aria-label": "" });
  const key = html("div", { class: "vl-key" }, ...[["hit", "hit"], ["false alarm", "false alarm"], ["missed", "missed"], ["truth", "true box, hit"], ["dropped", "dropped by suppression"]].map(([kind, words]) => {
    const line = html("i");
    line.style.borderColor = { missed: "currentColor", truth: "currentColor" }[kind] ?? LOOKS[kind].stroke;
    line.style.borderTopStyle = { missed: "dashed", truth: "dotted" }[kind] ?? "solid";
    return html("span", {}, line, words);
  }));
  const said = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-detect": "" });
  const here = html("h4");
  const above = html("h4");
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Detection explorer" },
    html("div", { class: "vl-bar" }, ...knobs.map((one) => one.control.element)),
    html("div", { class: "vl-bar" }, scene.element, html("div", { class: "vl-transport" }, previous.element, next.element), digit.element),
    html("div", { class: "vl-detect" }, html("div", {}, here, html("div", { class: "vl-shown" }, canvas, drawn)), html("div", {}, above, curve)),
    key,
    said,
  );
  el.append(root);

  const x = (recall) => LEFT + recall * (WIDTH - LEFT - 14);
  const y = (precision) => HEIGHT - BOTTOM - precision * (HEIGHT - BOTTOM - 12);
  const shown = (value) => (value === null ? "–" : `${Math.round(100 * value)} %`);

  function draw() {
    darkTheme(root);
    scene.show(model.get("scene"), 0, count - 1);
    for (const { name, least, most, control } of knobs) control.show(model.get(name), least, most);
    if (model.get("most_overlap") === 100) knobs[1].control.element.querySelector("output").textContent = "100: drop none";
    digit.show(String(model.get("digit")));
    const state = model.get("_state");
    if (!state.curve) return;
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      const value = pixels[state.scene * side * side + i];
      image.data.set([value, value, value, 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
    const named = ({ kind }) => ["hit", "false alarm"].includes(kind);
    const boxes = state.boxes.map(([left, top, right, bottom, label, score, kind]) => ({ left, top, right, bottom, label, score, kind }));
    drawn.replaceChildren(
      ...Object.keys(LOOKS).flatMap((kind) => boxes.filter((box) => box.kind === kind)).map((box) => svg("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, ...LOOKS[box.kind], "data-kind": box.kind })),
      ...boxes.filter(named).map((box) => svg("text", { x: Math.min(box.left, side - 11), y: Math.max(3, box.top - 0.7), fill: LOOKS[box.kind].stroke }, `${box.label}: ${box.score} %`)),
    );
    here.textContent = `Scene ${state.scene} of ${count}`;
    const whose = model.get("digit") < 0 ? "all digits" : `the digit ${model.get("digit")}`;
    above.textContent = `All scenes, ${whose}: AP ${state.average === null ? "–" : state.average.toFixed(2)}; mean over the ten digits ${state.mean === null ? "–" : state.mean.toFixed(2)}`;
    drawCurve(state, whose);
    const { hits, missed, "false alarms": alarms } = state.counts;
    Object.assign(said.dataset, { hits, missed, alarms, mean: state.mean, scene: state.scene });
    said.replaceChildren(
      `Boxes with at least ${model.get("least_score")} %, in all scenes: `, html("b", {}, hits), " hits, ", html("b", {}, alarms), " false alarms, ", html("b", {}, missed), " missed. Precision ",
      html("b", {}, `${hits} / ${hits + alarms} = ${shown(state.precision)}`), ", recall ", html("b", {}, `${hits} / ${hits + missed} = ${shown(state.recall)}`), ".",
    );
  }

  function drawCurve({ curve: [recall, precision], precision: p, recall: r, average }, whose) {
    const line = steps(recall, precision, x, y);
    const best = steps(recall, bestFromHere(precision), x, y);
    const marks = [0, 0.25, 0.5, 0.75, 1];
    curve.setAttribute("aria-label", `Precision over recall for ${whose}; average precision ${average === null ? "not defined" : average.toFixed(2)}.`);
    curve.replaceChildren(
      ...(line ? [svg("path", { class: "vl-under", d: `${best}L${x(recall.at(-1))} ${y(0)}L${x(0)} ${y(0)}z` }), svg("path", { class: "vl-steps", d: line })] : []),
      svg("path", { class: "vl-axis", d: `M${x(0)} ${y(1)}V${y(0)}H${x(1)}` }),
      ...marks.flatMap((at) => [text(x(at), y(0) + 16, String(at), "", { "text-anchor": "middle" }), text(x(0) - 6, y(at) + 4, String(at), "", { "text-anchor": "end" })]),
      text(x(0.5), HEIGHT - 6, "recall: share of the digits that are found", "", { "text-anchor": "middle" }),
      text(11, y(0.5), "precision: share of the boxes that are right", "", { "text-anchor": "middle", transform: `rotate(-90 11 ${y(0.5)})` }),
      ...(p === null || r === null ? [] : [svg("circle", { class: "vl-now", cx: x(r), cy: y(p), r: 6.5 })]),
    );
  }

  const redraw = coalesce(draw);
  const watched = ["scene", "least_score", "most_overlap", "least_overlap", "digit", "_state"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderDetection };
