// The occlusion explorer: a square is dragged over a photograph, and the kernel says what the network makes of the rest.
import { button, choice, coalesce, darkTheme, html, ICONS, slider, svg, watch } from "./drawing.js";

const SIDE = 224;
const SHOWN = 288; // of the photograph, in CSS pixels
const SMALL = 208; // of the map
const CELLS = 14;
const FILLS = [["grey", "grey (0 for the network)"], ["black", "black"], ["blur", "blurred photograph"]];
const STOP = "M3.5 3.5h9v9h-9z";
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

/** The colour of a share, 0 … 1, on five stops of viridis. */
export function viridis(share) {
  const at = Math.min(3.9999, Math.max(0, 4 * share));
  const [low, part] = [Math.floor(at), at % 1];
  return VIRIDIS[low].map((value, i) => Math.round(value + part * (VIRIDIS[low + 1][i] - value)));
}

/** The part of the photograph that a square covers: [top, left, bottom, right], the last two excluded. */
export function covered([row, column], side) {
  const half = Math.floor(side / 2);
  return [row - half, column - half, row - half + side, column - half + side].map((edge) => Math.min(SIDE, Math.max(0, edge)));
}

const percent = (value) => (value < 0.1 ? `${(100 * value).toFixed(1)} %` : `${Math.round(100 * value)} %`);

function renderOcclusion({ model, el }) {
  let here = [...model.get("place")]; // where the square is on the page; the kernel follows
  let asked = null; // the place that the kernel is looking at

  const tell = () => {
    if (asked) return;
    const [row, column] = model.get("place");
    if (row === here[0] && column === here[1]) return;
    asked = [...here];
    model.set("place", asked);
    model.save_changes();
  };
  const change = (name, value) => {
    model.set(name, value);
    model.save_changes();
    redraw();
  };
  const go = (row, column) => {
    here = [row, column].map((at) => Math.min(SIDE - 1, Math.max(0, Math.round(at))));
    tell();
    redraw();
  };

  const photo = choice({ control: "photo", label: "photograph", words: model.get("_names"), onInput: (word) => change("photo", word) });
  const side = slider({ control: "side", label: "side of the square", onInput: (value) => change("side", value) });
  const fill = choice({ control: "fill", label: "filled with", words: FILLS, onInput: (word) => change("fill", word) });
  const map = button({ control: "map", label: "Compute the map", title: "Try all places, in the background", icon: ICONS.play, onClick: () => model.send({ do: model.get("status") === "running" ? "stop" : "map" }) });

  const canvas = html("canvas", { "aria-hidden": "true" });
  const frame = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" });
  const heat = html("canvas", { "aria-hidden": "true" });
  const cross = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" });
  const jump = (key, far) => {
    const by = far ? 16 : 4;
    const move = { ArrowUp: [-by, 0], ArrowDown: [by, 0], ArrowLeft: [0, -by], ArrowRight: [0, by] }[key];
    if (move) go(here[0] + move[0], here[1] + move[1]);
    return Boolean(move);
  };
  const pointed = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    go((SIDE * (event.clientY - box.top)) / box.height, (SIDE * (event.clientX - box.left)) / box.width);
  };
  const listeners = {
    keydown: (event) => { if (jump(event.key, event.shiftKey)) { event.preventDefault(); event.stopPropagation(); } },
    pointerdown: (event) => { event.currentTarget.setPointerCapture(event.pointerId); pointed(event); },
    pointermove: (event) => { if (event.buttons & 1) pointed(event); },
  };
  const stage = (name, label, ...children) => html("div", { class: "vl-stage", "data-stage": name, "data-lm-suppress-shortcuts": "true", tabindex: 0, role: "group", "aria-label": label, ...listeners }, ...children);
  const keys = "Arrow keys move the square by 4 pixels, with Shift by 16.";
  const answers = html("div", { class: "vl-answers" });
  const said = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-occlusion": true });
  const [low, high] = [html("span", {}, "0"), html("span")];
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Occlusion explorer" },
    html("div", { class: "vl-bar" }, photo.element, side.element, fill.element, map.element),
    html(
      "div",
      { class: "vl-occlusion" },
      html("div", {}, html("h4", {}, "photograph: drag the square"), stage("photo", `The photograph. ${keys}`, canvas, frame)),
      html("div", {}, html("h4", {}, "map: probability, by place"), (() => { const box = stage("map", `The map. ${keys}`, heat, cross); box.classList.add("vl-small"); return box; })(), html("div", { class: "vl-scale", "aria-hidden": "true" }, low, html("i"), high)),
      html("div", {}, html("h4", {}, "what the network sees now"), answers),
    ),
    said,
    html("p", { class: "vl-note" }, "Orange: the class that is followed; the black tick is its probability for the whole photograph. ", html("kbd", {}, "↑ ↓ ← →"), " move the square, ", html("kbd", {}, "Shift"), " makes larger steps; a click on the map moves the square there."),
  );
  el.append(root);

  const bytes = (name) => {
    const view = model.get(name);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  };

  function drawPhoto() {
    const pixels = bytes("_pixels");
    if (pixels.length < 6 * SIDE * SIDE) return;
    const [top, left, bottom, right] = covered(here, model.get("side"));
    const kind = model.get("fill");
    canvas.width = canvas.height = SIDE;
    const context = canvas.getContext("2d");
    const image = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < SIDE; i++)
      for (let j = 0; j < SIDE; j++) {
        const at = i * SIDE + j;
        const inside = i >= top && i < bottom && j >= left && j < right;
        for (let k = 0; k < 3; k++)
          image.data[4 * at + k] = !inside ? pixels[3 * at + k] : kind === "blur" ? pixels[3 * (SIDE * SIDE + at) + k] : kind === "grey" ? 127 : 0;
        image.data[4 * at + 3] = 255;
      }
    context.putImageData(image, 0, 0);
    const square = { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top), fill: "none" };
    frame.replaceChildren(svg("rect", { ...square, stroke: "#fff", "stroke-width": 3.5 }), svg("rect", { ...square, stroke: "#d55e00", "stroke-width": 1.8 }));
  }

  function drawMap(whole) {
    const raw = bytes("_map");
    const values = new Float32Array(raw.slice().buffer);
    const pixels = bytes("_pixels");
    const most = Math.max(whole, ...[...values].filter(Number.isFinite), 1e-6);
    heat.width = heat.height = SIDE;
    const context = heat.getContext("2d");
    const image = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < SIDE; i++)
      for (let j = 0; j < SIDE; j++) {
        const at = i * SIDE + j;
        const grey = 0.3 * pixels[3 * at] + 0.59 * pixels[3 * at + 1] + 0.11 * pixels[3 * at + 2];
        const value = values[Math.floor(i / 16) * CELLS + Math.floor(j / 16)];
        const colour = Number.isFinite(value) ? viridis(value / most).map((level) => 0.72 * level + 0.28 * grey) : [grey, grey, grey].map((level) => 0.5 * level + 64);
        image.data.set([...colour, 255], 4 * at);
      }
    context.putImageData(image, 0, 0);
    cross.replaceChildren(
      svg("rect", { x: here[1] - 5, y: here[0] - 5, width: 10, height: 10, fill: "none", stroke: "#fff", "stroke-width": 4 }),
      svg("rect", { x: here[1] - 5, y: here[0] - 5, width: 10, height: 10, fill: "none", stroke: "#d55e00", "stroke-width": 2 }),
    );
    high.textContent = percent(most);
    return values.filter(Number.isFinite).length;
  }

  function draw() {
    darkTheme(root);
    const answer = model.get("_answer");
    const status = model.get("status");
    photo.show(model.get("photo"));
    side.show(model.get("side"), 8, 160);
    fill.show(model.get("fill"));
    drawPhoto();
    const done = drawMap(answer.whole ?? 1);
    map.show(status === "running" ? "Stop" : status === "stopped" ? "Go on with the map" : status === "done" ? "Compute it again" : "Compute the map", status === "running" ? STOP : ICONS.play);
    const followed = (answer.followed ?? "").split(" + ");
    const rows = [[answer.followed, answer.probability, true], ...(answer.top ?? []).filter(([name]) => followed.length > 1 || name !== answer.followed).map(([name, value]) => [name, value, false])];
    answers.replaceChildren(...rows.flatMap(([name, value, main]) => [
      html("span", {}, name), html("b", {}, percent(value ?? 0)),
      html("i", { class: main ? "vl-followed" : null, style: `--vl-part: ${100 * (value ?? 0)}%; --vl-whole: ${100 * (answer.whole ?? 0)}%` }),
    ]));
    const words = `${answer.followed}: ${percent(answer.probability ?? 0)} with the square, ${percent(answer.whole ?? 0)} for the whole photograph. First answer: ${answer.top?.[0]?.[0]}.`;
    const about = status === "running" ? ` Map: ${done} of ${CELLS * CELLS} places.` : status === "failed" ? ` ${model.get("message")}` : "";
    said.textContent = words + about;
    Object.assign(said.dataset, { probability: answer.probability, whole: answer.whole, row: answer.place?.[0], column: answer.place?.[1], status, done, photo: answer.photo });
  }

  const redraw = coalesce(draw);
  const answered = () => {
    asked = null;
    tell();
    redraw();
  };
  const placed = () => {
    if (!asked) here = [...model.get("place")]; // moved from Python
    redraw();
  };
  const watched = ["photo", "side", "fill", "status", "message", "_map", "_pixels"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  model.on("change:_answer", answered);
  model.on("change:place", placed);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
    model.off("change:_answer", answered);
    model.off("change:place", placed);
  };
}

export default { render: renderOcclusion };
