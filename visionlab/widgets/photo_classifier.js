// The photo classifier: a square is dragged over a photograph, and the kernel says what the network sees in it.
import { button, choice, coalesce, darkTheme, html, slider, svg, uniqueId, watch } from "./drawing.js";

const SMALLEST = 32;
const LARGEST = 640;
const INPUTS = [224, 160, 96, 64, 32];
const FILE = "M3 2.5h6l4 4v7H3z M8.5 2.5V7H13";

/** The square nearest to the one wanted that lies inside: [top, left, side]. */
export function inside([top, left, side], [height, width]) {
  const fits = Math.round(Math.min(Math.max(side, SMALLEST), height, width));
  const within = (at, room) => Math.min(Math.max(0, Math.round(at)), room - fits);
  return [within(top, height), within(left, width), fits];
}

/** A square of another side around the same middle. */
export function resized([top, left, side], to, shape) {
  const wanted = inside([0, 0, to], shape)[2];
  return inside([top + (side - wanted) / 2, left + (side - wanted) / 2, wanted], shape);
}

/** What a key does to the square; null if nothing. */
export function moved(square, key, far, shape) {
  const [top, left, side] = square;
  const by = far ? 32 : 8;
  const way = { ArrowUp: [-by, 0], ArrowDown: [by, 0], ArrowLeft: [0, -by], ArrowRight: [0, by] }[key];
  if (way) return inside([top + way[0], left + way[1], side], shape);
  const grow = { "+": 2 * by, "=": 2 * by, "-": -2 * by }[key];
  return grow ? resized(square, side + grow, shape) : null;
}

const percent = (value) => (value < 0.1 ? `${(100 * value).toFixed(1)} %` : `${Math.round(100 * value)} %`);

function renderPhotoClassifier({ model, el }) {
  let here = [...model.get("square")]; // where the square is on the page; the kernel follows
  let asked = false;

  const tell = () => {
    if (asked || here.every((value, i) => value === model.get("square")[i])) return;
    asked = true;
    model.set("square", [...here]);
    model.save_changes();
  };
  const go = (square) => {
    here = inside(square, model.get("_shape"));
    tell();
    redraw();
  };
  const change = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };

  // Controls
  const photo = choice({ control: "photo", label: "photograph", words: [], onInput: (word) => change("photo", word) });
  const side = slider({ control: "side", label: "side of the square", onInput: (value) => go(resized(here, value, model.get("_shape"))) });
  const size = choice({ control: "size", label: "the network gets", words: INPUTS.map((n) => [String(n), `${n}×${n} pixels`]), onInput: (word) => change("size", Number(word)) });
  const fileId = uniqueId();
  const file = html("input", { type: "file", id: fileId, class: "vl-file", accept: "image/*", tabindex: -1, "aria-label": "An image file", "data-control": "file", "data-lm-suppress-shortcuts": "true", change: () => take(file.files[0]) });
  const own = button({ control: "own", label: "A photograph of yours …", title: "Take an image file; it stays on this machine and its kernel", icon: FILE, onClick: () => file.click() });

  const canvas = html("canvas", { "aria-hidden": "true" });
  const frame = svg("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
  let grabbed = null; // from the square's corner to the pointer
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const [height, width] = model.get("_shape");
    return [(height * (event.clientY - box.top)) / box.height, (width * (event.clientX - box.left)) / box.width];
  };
  const stage = html(
    "div",
    {
      class: "vl-stage", "data-stage": true, "data-lm-suppress-shortcuts": "true", tabindex: 0, role: "group",
      "aria-label": "The photograph. Arrow keys move the square, with Shift farther; plus and minus resize it.",
      keydown: (event) => {
        const square = moved(here, event.key, event.shiftKey, model.get("_shape"));
        if (!square) return;
        event.preventDefault();
        event.stopPropagation();
        go(square);
      },
      pointerdown: (event) => {
        stage.setPointerCapture(event.pointerId);
        const [row, column] = place(event);
        const [top, left, length] = here;
        const hit = row >= top && row <= top + length && column >= left && column <= left + length;
        grabbed = hit ? [row - top, column - left] : [length / 2, length / 2];
        if (!hit) go([row - grabbed[0], column - grabbed[1], length]);
      },
      pointermove: (event) => {
        if (!grabbed || !(event.buttons & 1)) return;
        const [row, column] = place(event);
        go([row - grabbed[0], column - grabbed[1], here[2]]);
      },
      pointerup: () => (grabbed = null),
    },
    canvas,
    frame,
  );
  const seen = html("canvas", { class: "vl-seen", "aria-hidden": "true" });
  const ranked = html("div", { class: "vl-ranked" });
  const said = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-classified": true });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Photo classifier" },
    html("div", { class: "vl-bar" }, photo.element, side.element, size.element, html("div", { class: "vl-transport" }, own.element, file)),
    html(
      "div",
      { class: "vl-photo" },
      html("div", {}, html("h4", {}, "photograph: drag the square"), stage),
      html("div", {}, html("h4", {}, "the network's input"), seen),
      html("div", {}, html("h4", {}, "its five most probable answers"), ranked),
    ),
    said,
    html("p", { class: "vl-note" }, "On the photograph: ", html("kbd", {}, "↑ ↓ ← →"), " move the square (with ", html("kbd", {}, "Shift"), " farther), ", html("kbd", {}, "+"), " and ", html("kbd", {}, "−"), " resize it."),
  );
  el.append(root);

  /** Read an image file, shrink it, and hand it to the kernel. */
  async function take(chosen) {
    if (!chosen) return;
    try {
      const bitmap = await createImageBitmap(chosen);
      const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
      const [width, height] = [bitmap.width, bitmap.height].map((n) => Math.round(n * scale));
      if (Math.min(width, height) < SMALLEST) throw new Error("it is too small");
      const paper = html("canvas", { width, height });
      const context = paper.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, width, height);
      context.drawImage(bitmap, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      const bytes = new Uint8Array(width * height * 3);
      for (let i = 0; i < width * height; i++) for (let k = 0; k < 3; k++) bytes[3 * i + k] = data[4 * i + k];
      model.send({ do: "add", name: chosen.name, width, height }, undefined, [bytes.buffer]);
    } catch (problem) {
      said.textContent = `This file can't be read as an image: ${problem.message}`;
    }
    file.value = "";
  }

  function paintBytes(into, name, width, height) {
    const view = model.get(name);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    if (bytes.length !== width * height * 3) return;
    into.width = width;
    into.height = height;
    const context = into.getContext("2d");
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = bytes[3 * i + k];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  let names = "";
  let painted = null; // the photograph that is on the canvas
  function draw() {
    darkTheme(root);
    const [height, width] = model.get("_shape");
    const list = model.get("_names");
    if (names !== list.join("\n")) {
      names = list.join("\n");
      photo.element.querySelector("select").replaceChildren(...list.map((name) => html("option", { value: name }, name)));
    }
    photo.show(model.get("photo"));
    side.show(here[2], SMALLEST, Math.min(height, width));
    size.show(String(model.get("size")));
    if (painted !== model.get("_pixels")) {
      painted = model.get("_pixels");
      paintBytes(canvas, "_pixels", width, height);
    }
    const [top, left, length] = here;
    frame.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const outside = `M0 0H${width}V${height}H0z M${left} ${top}v${length}h${length}v${-length}z`;
    const thick = width / 400;
    frame.replaceChildren(
      svg("path", { d: outside, fill: "#000", "fill-opacity": 0.38, "fill-rule": "evenodd" }),
      svg("rect", { x: left, y: top, width: length, height: length, fill: "none", stroke: "#fff", "stroke-width": 5 * thick }),
      svg("rect", { x: left, y: top, width: length, height: length, fill: "none", stroke: "#d55e00", "stroke-width": 2.5 * thick }),
    );
    const answer = model.get("_answer");
    if (!answer.top) return;
    paintBytes(seen, "_seen", answer.size, answer.size);
    ranked.replaceChildren(...answer.top.flatMap(([name, value]) => [
      html("span", {}, name), html("b", {}, percent(value)), html("i", { style: `--vl-part: ${100 * value}%` }),
    ]));
    const [name, value] = answer.top[0];
    said.textContent = `${name}, ${percent(value)}: ${answer.square[2]}×${answer.square[2]} pixels of “${answer.photo}”, as ${answer.size}×${answer.size}, in ${answer.milliseconds} ms.`;
    Object.assign(said.dataset, { first: name, photo: answer.photo, square: answer.square.join(" "), size: answer.size });
  }

  const redraw = coalesce(draw);
  const answered = () => {
    asked = false;
    tell();
    redraw();
  };
  const placed = () => {
    if (!asked) here = [...model.get("square")]; // set from Python, or with a new photograph
    redraw();
  };
  const anew = () => {
    asked = false;
    here = [...model.get("square")];
    redraw();
  };
  const handlers = { photo: redraw, size: redraw, _names: redraw, _pixels: anew, _answer: answered, square: placed };
  for (const [name, handler] of Object.entries(handlers)) model.on(`change:${name}`, handler);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const [name, handler] of Object.entries(handlers)) model.off(`change:${name}`, handler);
  };
}

export default { render: renderPhotoClassifier };
