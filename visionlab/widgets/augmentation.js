// The augmentation explorer: a photograph changed by sliders, or at random. The arithmetic is augmentation.py's.
import { button, choice, coalesce, darkTheme, html, slider, svg, uniqueId, watch } from "./drawing.js";

const GREY = [0.299, 0.587, 0.114];
const SHOWN = 208; // side of a picture on the page, in CSS pixels
const KEPT = 8; // small pictures of what has been drawn
const NAMES = {
  crop: "crop: side", x: "crop: left–right", y: "crop: up–down", rotation: "rotation, °", scale: "scale", shear: "shear, °",
  brightness: "brightness", contrast: "contrast", saturation: "saturation", hue: "hue, °",
};
const DICE = "M2.5 2.5h11v11h-11z M5 5v1.6h1.6V5z M9.4 5v1.6H11V5z M5 9.4V11h1.6V9.4z M9.4 9.4V11H11V9.4z M7.2 7.2v1.6h1.6V7.2z";
const RESET = "M3 3h2v10h-2z M13 3v10l-7-5z";

const radians = (degrees) => (degrees * Math.PI) / 180;

/** The affine map from a place in the result to one in the photograph, both from −1 to 1: [a, b, c, d, ox, oy]. */
export function whereFrom({ crop, x, y, rotation, scale, shear, flip }) {
  const [cos, sin] = [Math.cos(radians(rotation)), Math.sin(radians(rotation))];
  const slant = Math.tan(radians(shear));
  const size = crop / scale;
  const mirror = flip ? -1 : 1;
  return [cos * size * mirror, (cos * slant - sin) * size, sin * size * mirror, (cos + sin * slant) * size, (1 - crop) * x, (1 - crop) * y];
}

/** Brightness, contrast around mid-grey, saturation, then hue as a turn about the grey axis: rows of a 3×3 matrix, and what is added. */
export function recolour({ brightness, contrast, saturation, hue }) {
  const angle = radians(hue);
  const a = (1 - Math.cos(angle)) / 3;
  const b = Math.sin(angle) / Math.sqrt(3);
  const c = Math.cos(angle) + a;
  const turn = [[c, a - b, a + b], [a + b, c, a - b], [a - b, a + b, c]];
  const saturate = [0, 1, 2].map((i) => GREY.map((weight, j) => (1 - saturation) * weight + (i === j ? saturation : 0)));
  const gain = brightness * contrast;
  const rows = turn.map((row) => [0, 1, 2].map((j) => gain * row.reduce((sum, weight, k) => sum + weight * saturate[k][j], 0)));
  return { rows, added: 127.5 * (1 - contrast) };
}

/** The changed photograph: Float64Array of side·side·3 values from 0 to 255; `bytes` are those of the photograph. */
export function augmented(bytes, side, settings) {
  const [a, b, c, d, ox, oy] = whereFrom(settings);
  const { rows, added } = recolour(settings);
  const result = new Float64Array(side * side * 3);
  const place = [0, 0, 0];
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) {
      const [u, v] = [(2 * j + 1) / side - 1, (2 * i + 1) / side - 1];
      const x = ((a * u + b * v + ox + 1) * side - 1) / 2;
      const y = ((c * u + d * v + oy + 1) * side - 1) / 2;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      place.fill(0);
      for (let dy = 0; dy < 2; dy++)
        for (let dx = 0; dx < 2; dx++) {
          const [row, column] = [top + dy, left + dx];
          if (row < 0 || column < 0 || row >= side || column >= side) continue;
          const weight = Math.abs(1 - dx - (x - left)) * Math.abs(1 - dy - (y - top));
          for (let k = 0; k < 3; k++) place[k] += weight * bytes[(row * side + column) * 3 + k];
        }
      for (let k = 0; k < 3; k++) {
        const value = rows[k][0] * place[0] + rows[k][1] * place[1] + rows[k][2] * place[2] + added;
        result[(i * side + j) * 3 + k] = Math.min(255, Math.max(0, value));
      }
    }
  return result;
}

function renderAugmentation({ model, el }) {
  const limits = model.get("_limits");
  const names = Object.keys(limits);
  const settingsNow = () => Object.fromEntries([...names, "flip"].map((name) => [name, model.get(name)]));
  let saving = 0;
  const set = (changes) => {
    model.set(changes);
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 100);
    redraw();
  };

  // Sliders count in hundredths of a factor, or in degrees.
  const unit = (name) => (limits[name][2] > 10 ? 1 : 100);
  const sliders = Object.fromEntries(names.map((name) => [name, slider({ control: name, label: NAMES[name], onInput: (value) => set({ [name]: value / unit(name) }) })]));
  const flipId = uniqueId();
  const flip = html("input", { id: flipId, type: "checkbox", "data-control": "flip", "data-lm-suppress-shortcuts": "true", change: () => set({ flip: flip.checked }) });
  const photo = choice({ control: "photo", label: "photograph", words: ["chelsea", "astronaut", "coffee", "rocket"], onInput: (word) => { model.set({ photo: word }); model.save_changes(); } });
  const drawn = html("div", { class: "vl-drawn", "aria-hidden": "true" });
  const random = button({
    control: "random", label: "Draw a random one", title: "All sliders at random, within modest limits", icon: DICE,
    onClick: () => {
      const chosen = Object.entries(model.get("_modest")).map(([name, [low, high]]) => [name, low + (high - low) * Math.random()]);
      model.set({ ...Object.fromEntries(chosen), flip: Math.random() < 0.5 });
      model.save_changes();
      draw();
      const small = html("canvas", {});
      copy(result, small);
      drawn.prepend(small);
      while (drawn.children.length > KEPT) drawn.lastChild.remove();
    },
  });
  const reset = button({
    control: "reset", label: "Back to the photograph", title: "No change at all", icon: RESET,
    onClick: () => {
      drawn.replaceChildren();
      set({ ...Object.fromEntries(names.map((name) => [name, limits[name][0]])), flip: false });
    },
  });

  const original = html("canvas", { role: "img" });
  const frame = svg("svg", { viewBox: `0 0 ${SHOWN} ${SHOWN}`, "aria-hidden": "true" });
  const result = html("canvas", { role: "img" });
  const said = html("p", { role: "status", "aria-live": "polite", "data-augmentation": true });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Augmentation explorer" },
    html("div", { class: "vl-bar" }, html("div", { class: "vl-transport" }, random.element, reset.element), photo.element, html("div", { class: "vl-check" }, flip, " ", html("label", { for: flipId }, "flip left–right"))),
    html(
      "div",
      { class: "vl-augment" },
      html("div", {}, html("h4", {}, "photograph, and what is read"), html("div", { class: "vl-stage" }, original, frame)),
      html("div", {}, html("h4", {}, "augmented"), html("div", { class: "vl-stage" }, result)),
      html("div", { class: "vl-sliders" }, ...names.map((name) => sliders[name].element)),
    ),
    drawn,
    said,
  );
  el.append(root);

  function show(canvas, side, value) {
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    for (let i = 0; i < side * side; i++) image.data.set([value(3 * i), value(3 * i + 1), value(3 * i + 2), 255], 4 * i);
    context.putImageData(image, 0, 0);
  }

  function copy(from, to) {
    to.width = to.height = from.width;
    to.getContext("2d").drawImage(from, 0, 0);
  }

  const write = (name, value) => (unit(name) === 1 ? String(Math.round(value)) : (Math.round(100 * value) / 100).toFixed(2)).replace("-", "−");

  function draw() {
    darkTheme(root);
    const view = model.get("_pixels");
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const side = Math.round(Math.sqrt(bytes.length / 3));
    const settings = settingsNow();
    for (const name of names) {
      const [, low, high] = limits[name];
      sliders[name].show(Math.round(settings[name] * unit(name)), Math.round(low * unit(name)), Math.round(high * unit(name)), (name === "x" || name === "y") && settings.crop > 0.995);
      const words = write(name, settings[name]);
      sliders[name].element.querySelector("output").textContent = words;
      sliders[name].element.querySelector("input").setAttribute("aria-valuetext", words);
    }
    flip.checked = settings.flip;
    photo.show(model.get("photo"));
    show(original, side, (i) => bytes[i]);
    original.setAttribute("aria-label", `The photograph ${model.get("photo")}`);
    const changed = augmented(bytes, side, settings);
    show(result, side, (i) => Math.round(changed[i]));
    const [a, b, c, d, ox, oy] = whereFrom(settings);
    const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([u, v]) => [(SHOWN * (a * u + b * v + ox + 1)) / 2, (SHOWN * (c * u + d * v + oy + 1)) / 2]);
    const outline = `M${corners.map((corner) => corner.map((value) => value.toFixed(1)).join(" ")).join("L")}z`;
    frame.replaceChildren(
      svg("path", { d: outline, fill: "none", stroke: "#fff", "stroke-width": 5, "stroke-opacity": 0.8 }),
      svg("path", { d: outline, fill: "none", stroke: "#d55e00", "stroke-width": 2.5 }),
      svg("circle", { cx: corners[0][0], cy: corners[0][1], r: 6, fill: "#d55e00", stroke: "#fff", "stroke-width": 1.5 }),
    );
    const far = corners.some(([x, y]) => Math.min(x, y) < -1 || Math.max(x, y) > SHOWN + 1);
    const words = names.filter((name) => write(name, settings[name]) !== write(name, limits[name][0]) && !(settings.crop > 0.995 && (name === "x" || name === "y"))).map((name) => `${NAMES[name].replace(", °", "")} ${write(name, settings[name])}${NAMES[name].endsWith("°") ? "°" : ""}`);
    if (settings.flip) words.push("flipped");
    said.textContent = (words.length ? `Changed: ${words.join(", ")}.` : "Nothing is changed.") + (far ? " Part of what is read lies beyond the border: black." : "");
    said.dataset.changes = words.length;
    result.setAttribute("aria-label", `The photograph after augmentation. ${said.textContent}`);
  }

  const redraw = coalesce(draw);
  const watched = [...names, "flip", "photo", "_pixels"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    clearTimeout(saving);
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render: renderAugmentation };
