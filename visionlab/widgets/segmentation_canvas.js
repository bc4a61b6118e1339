// A scene to compose and write on; the kernel labels its pixels. Composed as in segmentation_canvas.py.
import { button, choice, coalesce, darkTheme, html, keyboardStage, setter, svg, watch } from "./drawing.js";

const SIDE = 64;
const FRAME = 28;
const MOST_THINGS = 9;
const BACKGROUND = 10;
const TOOLS = [["move", "Move digits"], ["pen", "Write"], ["eraser", "Erase writing"]];

/** The scene: the brightest of background, ink and digits at each pixel. */
export function composeScene(backdrop, ink, things, digits) {
  const scene = Uint8Array.from(backdrop, (value, i) => Math.max(value, ink[i]));
  for (const [which, row, column] of things)
    for (let i = 0; i < FRAME; i++)
      for (let j = 0; j < FRAME; j++) {
        const at = (row + i) * SIDE + column + j;
        scene[at] = Math.max(scene[at], digits[(which * FRAME + i) * FRAME + j]);
      }
  return scene;
}

/** The ink after a stroke of the pen (or the eraser) from one place to another, in pixels. */
export function stroke(ink, [x0, y0], [x1, y1], erase) {
  const after = Uint8Array.from(ink);
  const length2 = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  for (let i = 0; i < SIDE; i++)
    for (let j = 0; j < SIDE; j++) {
      const [x, y] = [j + 0.5, i + 0.5];
      const t = length2 ? Math.min(1, Math.max(0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length2)) : 0;
      const far = Math.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0));
      const at = i * SIDE + j;
      if (erase) after[at] = far < 3 ? 0 : after[at];
      else after[at] = Math.max(after[at], Math.round(255 * Math.min(1, Math.max(0, 1.9 - far))));
    }
  return after;
}

/** A place for another digit: the one that is farthest from those that lie there. */
export function freePlace(things) {
  let [best, most] = [[18, 18], -1];
  for (let row = 0; row <= SIDE - FRAME; row += 4)
    for (let column = 0; column <= SIDE - FRAME; column += 4) {
      const far = Math.min(99, ...things.map(([, r, c]) => Math.max(Math.abs(r - row), Math.abs(c - column))));
      if (far > most) [best, most] = [[row, column], far];
    }
  return things.length ? best : [18, 18];
}

function renderCanvas({ model, el }) {
  const set = setter(model);
  const bytes = (name) => {
    const view = model.get(name);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  };
  const [digits, labels, colours] = [bytes("_digits"), model.get("_labels"), model.get("_colours")];
  const rgb = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const papers = bytes("_backdrops");
  const backdrop = (i) => papers.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
  const taken = {}; // how often each digit has been added, to take another one next time
  let chosen = 0;
  let tool = "move";
  let drag = null;
  // While something is dragged, what is held here counts, not the kernel's echo of some frames ago.
  let things = model.get("things");
  let ink = Uint8Array.from(bytes("ink"));

  const tools = TOOLS.map(([name, label]) => button({ control: `tool-${name}`, label, onClick: () => use(name) }));
  const ten = [...Array(10).keys()].filter((digit) => labels.includes(digit)).map((digit) => button({ control: `add-${digit}`, label: String(digit), title: `Put a ${digit} on the scene`, onClick: () => add(digit) }));
  const remove = button({ control: "remove", label: "Remove", title: "Take the framed digit away", onClick: removeChosen });
  const clear = button({ control: "clear", label: "Clear", onClick: () => give([], new Uint8Array(SIDE * SIDE)) });
  const count = papers.length / SIDE / SIDE;
  const paper = choice({ control: "backdrop", label: "background", words: [...Array(count).keys()].map((i) => [String(i), nameOf(i)]), onInput: (word) => set({ backdrop: Number(word) }) });
  paper.element.style.flex = "0 1 150px";
  const pictures = [0, 1].map(() => html("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" }));
  const mark = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, "aria-hidden": "true" });
  const listeners = { keydown: onKey, pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: onUp };
  const stage = keyboardStage(
    "The scene. Keys 0 to 9 add a digit, N frames the next one, arrow keys move it, with Shift by 4 pixels, Delete removes it.",
    listeners, pictures[0], mark,
  );
  const result = html("div", { class: "vl-stage", "aria-hidden": "true", pointermove: name, pointerleave: () => (result.title = "") }, pictures[1]);
  const tally = html("div", { class: "vl-found-pixels", role: "status", "aria-live": "polite", "data-found": "" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Segmentation canvas" },
    html("div", { class: "vl-bar" }, html("div", { class: "vl-transport" }, ...tools.map((one) => one.element), remove.element, clear.element), paper.element),
    html("div", { class: "vl-bar" }, html("div", { class: "vl-ten" }, html("span", {}, "Put on the scene: "), ...ten.map((one) => one.element))),
    html("div", { class: "vl-canvases" }, html("div", {}, html("h4", {}, "The scene"), stage), html("div", {}, html("h4", {}, "A label for every pixel, by the network"), result)),
    tally,
    html("p", { class: "vl-note" }, "Drag the digits; or choose ", html("b", {}, "Write"), " and write with the mouse, about as large as those that are there. Keys: ", html("kbd", {}, "0"), " … ", html("kbd", {}, "9"), " add, ", html("kbd", {}, "N"), " frames the next, arrows move it, ", html("kbd", {}, "Delete"), " removes it."),
  );
  el.append(root);

  function nameOf(i) {
    const black = (one) => backdrop(one).every((value) => value === 0);
    return black(i) ? "black" : `photograph ${[...Array(i + 1).keys()].filter((one) => !black(one)).length}`;
  }

  function use(name) {
    tool = name;
    draw();
  }

  function give(newThings, newInk = null) {
    things = newThings;
    chosen = Math.max(0, Math.min(chosen, things.length - 1));
    const changes = { things };
    if (newInk) {
      ink = newInk;
      changes.ink = new DataView(Uint8Array.from(ink).buffer);
    }
    set(changes);
    draw();
  }

  function add(digit) {
    if (things.length >= MOST_THINGS) return;
    const kinds = [...labels.keys()].filter((i) => labels[i] === digit);
    if (!kinds.length) return;
    taken[digit] = (taken[digit] ?? -1) + 1;
    chosen = things.length;
    give([...things, [kinds[taken[digit] % kinds.length], ...freePlace(things)]]);
  }

  function removeChosen() {
    if (things.length) give(things.filter((_, i) => i !== chosen));
  }

  function draw() {
    darkTheme(root);
    tools.forEach(({ element }, i) => element.setAttribute("aria-pressed", String(TOOLS[i][0] === tool)));
    ten.forEach(({ element }) => (element.disabled = things.length >= MOST_THINGS));
    remove.element.disabled = !things.length;
    paper.show(String(model.get("backdrop")));
    stage.style.cursor = tool === "move" ? "default" : "crosshair";
    const scene = composeScene(backdrop(model.get("backdrop")), ink, things, digits);
    const found = bytes("_found");
    shade(pictures[0], (i) => [scene[i], scene[i], scene[i]]);
    shade(pictures[1], (i) => (found[i] < BACKGROUND ? rgb[found[i]] : [0.55 * scene[i], 0.55 * scene[i], 0.55 * scene[i]]));
    const frame = things[chosen];
    mark.replaceChildren(frame && tool === "move" ? svg("rect", { x: frame[2] + 1.5, y: frame[1] + 1.5, width: FRAME - 3, height: FRAME - 3, rx: 1.5, stroke: "#f0ad1a", "stroke-width": 2, "stroke-dasharray": "5 4" }) : "");
    const pixels = Array(10).fill(0);
    found.forEach((label) => label < BACKGROUND && pixels[label]++);
    const there = [...pixels.keys()].filter((digit) => pixels[digit]).sort((a, b) => pixels[b] - pixels[a]);
    tally.dataset.found = there.map((digit) => `${digit}:${pixels[digit]}`).join(" ");
    tally.replaceChildren(
      html("b", {}, there.length ? "Pixels found:" : "No pixel of a digit found."),
      ...there.map((digit) => {
        const chip = html("i");
        chip.style.background = colours[digit];
        return html("span", {}, chip, `${digit}: ${pixels[digit]}`);
      }),
    );
  }

  function shade(canvas, colour) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < SIDE * SIDE; i++) image.data.set([...colour(i), 255], 4 * i);
    context.putImageData(image, 0, 0);
  }

  function name(event) {
    const [x, y] = place(event, result).map(Math.floor);
    const label = bytes("_found")[y * SIDE + x];
    result.title = label === undefined ? "" : label === BACKGROUND ? "background" : String(label);
  }

  // By pointer
  function place(event, on = stage) {
    const frame = on.getBoundingClientRect();
    return [((event.clientX - frame.left) / frame.width) * SIDE, ((event.clientY - frame.top) / frame.height) * SIDE];
  }

  function onDown(event) {
    const at = place(event);
    if (tool === "move") {
      const inside = ([, row, column]) => at[0] >= column + 2 && at[0] <= column + FRAME - 2 && at[1] >= row + 2 && at[1] <= row + FRAME - 2;
      const i = things.findLastIndex(inside);
      if (i < 0) return;
      chosen = i;
      drag = { at, row: things[i][1], column: things[i][2] };
    } else {
      drag = { at };
      give(things, stroke(ink, at, at, tool === "eraser"));
    }
    stage.setPointerCapture(event.pointerId);
    draw();
  }

  function onMove(event) {
    if (!drag) return;
    const at = place(event);
    if (tool === "move") moveTo(Math.round(drag.row + at[1] - drag.at[1]), Math.round(drag.column + at[0] - drag.at[0]));
    else {
      give(things, stroke(ink, drag.at, at, tool === "eraser"));
      drag = { at };
    }
  }

  function onUp() {
    drag = null;
  }

  function moveTo(row, column) {
    const within = (value) => Math.min(SIDE - FRAME, Math.max(0, value));
    const after = things.map((thing, i) => (i === chosen ? [thing[0], within(row), within(column)] : thing));
    if (String(after) !== String(things)) give(after);
  }

  // By keyboard
  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const by = event.shiftKey ? 4 : 1;
    const move = { ArrowLeft: [0, -by], ArrowRight: [0, by], ArrowUp: [-by, 0], ArrowDown: [by, 0] }[event.key];
    const digit = "0123456789".indexOf(event.key);
    if (move && things[chosen]) moveTo(things[chosen][1] + move[0], things[chosen][2] + move[1]);
    else if (event.key.length === 1 && digit >= 0) add(digit);
    else if (event.key === "n" || event.key === "N") chosen = things.length ? (chosen + 1) % things.length : 0;
    else if (event.key === "Delete" || event.key === "Backspace") removeChosen();
    else if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    draw();
  }

  // Life
  const redraw = coalesce(draw);
  function taking() {
    if (!drag) {
      things = model.get("things");
      ink = Uint8Array.from(bytes("ink"));
      chosen = Math.max(0, Math.min(chosen, things.length - 1));
    }
    redraw();
  }
  model.on("change:things change:ink change:backdrop", taking);
  model.on("change:_found", redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    model.off("change:things change:ink change:backdrop", taking);
    model.off("change:_found", redraw);
  };
}

export default { render: renderCanvas };
