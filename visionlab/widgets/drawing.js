// What the explorers share: controls that JupyterLab's shortcuts leave alone, SVG, and the colours of the theme.

// Every widget runs a copy of this module of its own, on one page: a count alone would give the same ids twice.
const idStem = Math.random().toString(36).slice(2, 8);
let made = 0;

/** An id that nothing else on the page has. */
export function uniqueId() {
  return `vl-${idStem}-${++made}`;
}

/** An HTML element; attributes that are functions become listeners. */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Returns `set(changes)`, which changes traits of the model and tells the kernel. */
export function setter(model) {
  return (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
}

/** A picture's frame that takes the keyboard; `label` says which keys do what. */
export function keyboardStage(label, listeners, ...children) {
  const frame = { class: "vl-stage", "data-stage": true, "data-lm-suppress-shortcuts": "true", tabindex: 0 };
  return html("div", { ...frame, role: "group", "aria-label": label, ...listeners }, ...children);
}

/** SVG text, by its baseline. */
export function text(x, y, words, kind = "", attributes = {}) {
  return svg("text", { x, y, class: kind, ...attributes }, words);
}

/** The path of a rectangle. */
export function box(x, y, width, height = width) {
  return `M${x} ${y}h${width}v${height}h${-width}z`;
}

/** A labelled slider: {element, show(value, least, most, disabled)}. */
export function slider({ control, label, symbol, onInput }) {
  const id = uniqueId();
  const value = html("output", { for: id, class: "vl-value" });
  const input = html("input", {
    id,
    type: "range",
    step: 1,
    "data-control": control,
    "data-lm-suppress-shortcuts": "true",
    input: () => onInput(Number(input.value)),
  });
  const name = html("label", { for: id }, label, symbol ? html("i", {}, symbol) : null);
  return {
    element: html("div", { class: "vl-slider" }, name, value, input),
    show(now, least, most, disabled = false) {
      input.min = least;
      input.max = most;
      input.value = now;
      input.disabled = disabled;
      input.style.setProperty("--vl-filled", `${most > least ? (100 * (now - least)) / (most - least) : 0}%`);
      value.textContent = now;
    },
  };
}

/** A labelled choice: {element, show(value, words, disabled)}; words are strings or [value, label]. */
export function choice({ control, label, words, hidden = false, onInput }) {
  const id = uniqueId();
  const select = html("select", {
    id,
    "data-control": control,
    "data-lm-suppress-shortcuts": "true",
    "aria-label": hidden ? label : null,
    change: () => onInput(select.value),
  });
  const offer = (list) =>
    select.replaceChildren(...list.map((word) => html("option", { value: [word].flat()[0] }, [word].flat().at(-1))));
  offer(words);
  return {
    element: html("div", { class: "vl-choice" }, hidden ? null : html("label", { for: id }, label), select),
    show(now, disabled = false) {
      select.value = now;
      select.disabled = disabled;
    },
  };
}

/** A button; `icon` is an SVG path in a 16×16 box. */
export function button({ control, label, title, icon, onClick }) {
  const shape = svg("path", { d: icon ?? "" });
  const words = html("span", {}, label);
  const element = html(
    "button",
    { type: "button", "data-control": control, "data-lm-suppress-shortcuts": "true", title, click: onClick },
    icon ? svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, shape) : null,
    words,
  );
  return {
    element,
    show(label, icon) {
      words.textContent = label;
      shape.setAttribute("d", icon);
    },
  };
}

export const ICONS = {
  start: "M3 3h2v10h-2z M13 3v10l-7-5z",
  back: "M11.5 3v10l-7-5z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10h-3z M9 3h3v10h-3z",
  step: "M4.5 3v10l7-5z",
};

/** A word on how much room is left at the sides, and the theme: `redraw` is called when either changes. */
export function watch(element, redraw) {
  const resized = new ResizeObserver(redraw);
  resized.observe(element);
  const themed = new MutationObserver(() => requestAnimationFrame(redraw));
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  return () => {
    resized.disconnect();
    themed.disconnect();
  };
}

/** Whether the text is light on dark; sets the class that the style sheet reads. */
export function darkTheme(root) {
  root.classList.remove("vl-dark");
  const [r, g, b] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  const dark = 0.299 * r + 0.587 * g + 0.114 * b > 140;
  root.classList.toggle("vl-dark", dark);
  return dark;
}

/** Calls `draw` once in the next frame, however often it is asked for. */
export function coalesce(draw) {
  let asked = 0;
  return () => {
    if (!asked)
      asked = requestAnimationFrame(() => {
        asked = 0;
        draw();
      });
  };
}

/** Paints a square map of colours ([r, g, b, a] from `colour(i)`) with one canvas pixel a cell. */
export function paint(canvas, side, colour) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  for (let i = 0; i < side * side; i++) image.data.set(colour(i), 4 * i);
  context.putImageData(image, 0, 0);
}
