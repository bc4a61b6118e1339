// The fooling slider: an image, a direction, and their sum. The kernel says what the classifier thinks of the sum.
import { choice, coalesce, darkTheme, html, slider, watch } from "./drawing.js";

const MOST = 32;
const MARKS = 160; // the slider is finer near 0: size = 32 · (mark / 160)²
const RULES = [["w", "w: the gradient of the target's score"], ["sign of w", "the signs of w alone"], ["ten steps", "where ten small steps lead"], ["random signs", "random signs: a control"]];

/** Between marks of the slider and sizes in grey levels. */
export const sizeOf = (mark) => MOST * (mark / MARKS) ** 2;
export const markOf = (size) => Math.round(MARKS * Math.sqrt(size / MOST));

/** One value of the sum, clipped: a pixel 0 … 255 and the direction at size 1. */
export const summed = (pixel, direction, size) => Math.min(255, Math.max(0, pixel + size * direction));

const percent = (value) => `${(100 * value).toFixed(value > 0.1 && value < 0.995 ? 0 : 1)} %`;

function renderFooling({ model, el }) {
  let size = model.get("size"); // on the page; the kernel follows
  let waiting = false;

  const tell = () => {
    if (waiting || model.get("size") === size) return;
    waiting = true;
    model.set("size", size);
    model.save_changes();
  };
  const change = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const image = choice({ control: "image", label: "image", words: model.get("_names"), onInput: (word) => change("image", word) });
  const target = choice({ control: "target", label: "towards", words: model.get("_targets"), onInput: (word) => change("target", word) });
  const rule = choice({ control: "rule", label: "what is added", words: RULES, onInput: (word) => change("rule", word) });
  const much = slider({ control: "size", label: "how much, in grey levels", onInput: (mark) => { size = sizeOf(mark); tell(); redraw(); } });

  const pictures = ["x", "added", "sum"].map(() => html("canvas", { role: "img" }));
  const titles = pictures.map(() => html("h4"));
  const words = pictures.map(() => html("small"));
  const bars = html("div", { class: "vl-bars" });
  const said = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-fooling": true });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Fooling slider" },
    html("div", { class: "vl-bar" }, image.element, target.element, rule.element, much.element),
    html("div", { class: "vl-fooling" }, ...pictures.map((canvas, i) => html("div", {}, titles[i], canvas, words[i])), html("div", {}, html("h4", {}, "probability"), bars)),
    said,
    html("p", { class: "vl-note" }, "Blue: what the classifier called the image at first. Vermillion: the target. How much: root mean square over all pixels and colours; black to white are 255 grey levels."),
  );
  el.append(root);

  const bytes = (name) => {
    const view = model.get(name);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  };

  function paintPictures() {
    const [height, width] = model.get("_shape");
    const pixels = bytes("_pixels");
    const direction = new Float32Array(bytes("_direction").slice().buffer);
    if (pixels.length !== direction.length || pixels.length !== 3 * height * width) return;
    const values = [(i) => pixels[i], (i) => 127.5 + 43 * direction[i], (i) => summed(pixels[i], direction[i], size)];
    pictures.forEach((canvas, which) => {
      [canvas.height, canvas.width] = [height, width];
      const context = canvas.getContext("2d");
      const shown = context.createImageData(width, height);
      for (let at = 0; at < height * width; at++) {
        for (let k = 0; k < 3; k++) shown.data[4 * at + k] = values[which](3 * at + k);
        shown.data[4 * at + 3] = 255;
      }
      context.putImageData(shown, 0, 0);
    });
  }

  function draw() {
    darkTheme(root);
    const answer = model.get("_answer");
    image.show(model.get("image"));
    target.show(model.get("target"));
    rule.show(model.get("rule"));
    much.show(markOf(size), 0, MARKS);
    much.element.querySelector("output").textContent = size.toFixed(size < 10 ? 1 : 0);
    much.element.querySelector("input").setAttribute("aria-valuetext", `${size.toFixed(1)} grey levels`);
    paintPictures();
    const flipped = answer.label !== answer.first;
    [[`x: ${answer.first}`, "the image"], [{ w: "w", "sign of w": "signs of w" }[answer.rule] ?? answer.rule, "magnified to be seen"], [`sum: ${answer.label}`, `changed by ${answer.largest.toFixed(answer.largest < 10 ? 1 : 0)} grey levels at most`]].forEach(([title, more], i) => {
      titles[i].textContent = title;
      words[i].textContent = more;
      pictures[i].setAttribute("aria-label", `${title}, ${more}`);
    });
    bars.replaceChildren(...answer.bars.flatMap(([name, score, p]) => [
      html("span", { title: name }, name),
      html("i", { class: name === answer.target ? "vl-target" : name === answer.first ? "vl-first" : null, style: `--vl-part: ${100 * p}%`, title: `score ${score.toFixed(1)}` }),
      html("b", {}, percent(p)),
    ]));
    const p = Object.fromEntries(answer.bars.map(([name, , value]) => [name, value]));
    const added = answer.rule === "w" ? `α = ${answer.alpha.toPrecision(2)}` : `${answer.size.toFixed(1)} grey levels`;
    said.textContent = flipped
      ? `${added}: the label has flipped from ${answer.first} to ${answer.label}. ${answer.target}: ${percent(p[answer.target])}.`
      : `${added}: still ${answer.first}, ${percent(p[answer.first])}. ${answer.target}: ${percent(p[answer.target])}.`;
    Object.assign(said.dataset, { label: answer.label, first: answer.first, size: answer.size, target: answer.target, rule: answer.rule });
  }

  const redraw = coalesce(draw);
  const answered = () => {
    waiting = false;
    tell();
    redraw();
  };
  const moved = () => {
    if (!waiting) size = model.get("size"); // set from Python
    redraw();
  };
  model.on("change:_answer", answered);
  model.on("change:size", moved);
  for (const name of ["_direction", "_pixels"]) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    model.off("change:_answer", answered);
    model.off("change:size", moved);
    for (const name of ["_direction", "_pixels"]) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderFooling };
