// Two boxes on a picture, to move and stretch: intersection, union, and their ratio. As box_overlap.py.
import { button, coalesce, darkTheme, html, keyboardStage, setter, svg, watch } from "./drawing.js";

const NAMES = ["first", "second"];
const COLOURS = ["#56b4e9", "#f0ad1a"];
const WORDS = ["blue", "orange"];

/** Areas of two boxes (left, top, right, bottom), of what they share and of what they cover. */
export function areas(a, b) {
  const area = ([left, top, right, bottom]) => Math.max(0, right - left) * Math.max(0, bottom - top);
  const shared = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
  const intersection = shared[2] > shared[0] && shared[3] > shared[1] ? area(shared) : 0;
  return { first: area(a), second: area(b), intersection, union: area(a) + area(b) - intersection, shared };
}

/** The box moved by whole pixels, held within the picture. */
export function moved([left, top, right, bottom], across, down, width, height) {
  const x = Math.min(width - right, Math.max(-left, across));
  const y = Math.min(height - bottom, Math.max(-top, down));
  return [left + x, top + y, right + x, bottom + y];
}

/** The box with one corner (0 … 3: upper left, upper right, lower left, lower right) put elsewhere; it keeps a pixel. */
export function stretched(box, corner, x, y, width, height) {
  const [left, top, right, bottom] = box;
  const within = (value, least, most) => Math.min(most, Math.max(least, value));
  return [
    corner % 2 ? left : within(x, 0, right - 1),
    corner > 1 ? top : within(y, 0, bottom - 1),
    corner % 2 ? within(x, left + 1, width) : right,
    corner > 1 ? within(y, top + 1, height) : bottom,
  ];
}

function renderOverlap({ model, el }) {
  const set = setter(model);
  const [width, height] = [model.get("width"), model.get("height")];
  let chosen = 0;
  let drag = null; // {corner: -1 … 3, x, y, box}

  const picture = html("canvas", { width, height, "aria-hidden": "true" });
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const stage = keyboardStage(
    "Two boxes. Arrow keys move the chosen one, with Shift they move its lower right corner; Space chooses the other.",
    { keydown: onKey, pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: onUp },
    picture,
    drawn,
  );
  const choose = NAMES.map((_, i) =>
    button({ control: `choose-${WORDS[i]}`, label: `${WORDS[i]} box`, title: "The box that the arrow keys move", onClick: () => take(i) }),
  );
  const back = button({ control: "back", label: "Start over", onClick: () => set({ first: start[0], second: start[1] }) });
  const start = NAMES.map((name) => model.get(name));
  const table = html("tbody");
  const bar = html("b");
  const marks = [0.5, 0.75].map((at) => {
    const mark = html("span", {}, String(at));
    mark.style.left = `${100 * at}%`;
    return mark;
  });
  const said = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite", "data-iou": "" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Overlap of two boxes" },
    html(
      "div",
      { class: "vl-overlap" },
      stage,
      html(
        "div",
        { class: "vl-counts" },
        html("div", { class: "vl-transport" }, ...choose.map((one) => one.element), back.element),
        html("table", {}, table),
        html("div", { class: "vl-ratio", "aria-hidden": "true" }, bar, ...marks),
        said,
      ),
    ),
    html("p", { class: "vl-note" }, "Drag a box, or one of its corners. With the keyboard: ", ...keys("←", "→", "↑", "↓"), " move, ", ...keys("Shift"), "with an arrow stretches, ", ...keys("Space"), "takes the other box."),
  );
  el.append(root);

  const view = model.get("_pixels");
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const context = picture.getContext("2d");
  const image = context.createImageData(width, height);
  bytes.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
  context.putImageData(image, 0, 0);

  function keys(...names) {
    return names.flatMap((name) => [html("kbd", {}, name), " "]);
  }

  function take(i) {
    chosen = i;
    draw();
  }

  function draw() {
    darkTheme(root);
    const boxes = NAMES.map((name) => model.get(name));
    const { first, second, intersection, union, shared } = areas(...boxes);
    choose.forEach(({ element }, i) => element.setAttribute("aria-pressed", String(i === chosen)));
    const size = (box) => ({ x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1] });
    const handle = Math.max(0.7, width / 55);
    drawn.replaceChildren(
      ...boxes.map((box, i) => svg("rect", { ...size(box), fill: COLOURS[i], "fill-opacity": 0.16, stroke: COLOURS[i], "stroke-width": i === chosen ? 3.5 : 2 })),
      intersection ? svg("rect", { ...size(shared), fill: "#fff", "fill-opacity": 0.3 }) : "",
      ...boxes.flatMap(([left, top, right, bottom], i) =>
        [[left, top], [right, top], [left, bottom], [right, bottom]].map(([x, y]) =>
          svg("rect", { x: x - handle, y: y - handle, width: 2 * handle, height: 2 * handle, fill: i === chosen ? COLOURS[i] : "#000", stroke: COLOURS[i], "stroke-width": 1.5 }),
        ),
      ),
    );
    const sides = (box) => `${box[2] - box[0]} × ${box[3] - box[1]}`;
    const row = (colour, name, sum, value) => {
      const chip = colour ? html("i") : null;
      if (chip) chip.style.background = colour;
      return html("tr", {}, html("th", { scope: "row" }, chip, name), html("td", {}, sum), html("td", {}, html("b", {}, value)));
    };
    table.replaceChildren(
      row(COLOURS[0], "blue box", sides(boxes[0]), first),
      row(COLOURS[1], "orange box", sides(boxes[1]), second),
      row("", "intersection", intersection ? sides(shared) : "apart", intersection),
      row("", "union", `${first} + ${second} − ${intersection}`, union),
    );
    const ratio = intersection / union;
    bar.style.width = `${100 * ratio}%`;
    said.dataset.iou = ratio;
    said.dataset.student = ratio >= 0.5 ? "right" : "wrong";
    const verdict = ratio >= 0.75 ? "A hit, even where 0.75 is asked for." : ratio >= 0.5 ? "A hit where 0.5 is asked for." : "No hit where 0.5 is asked for.";
    said.replaceChildren("IoU = ", html("b", {}, `${intersection} / ${union} = ${ratio.toFixed(2)}`), `. ${verdict}`);
  }

  // Moving and stretching
  function place(event) {
    const frame = drawn.getBoundingClientRect();
    return [((event.clientX - frame.left) / frame.width) * width, ((event.clientY - frame.top) / frame.height) * height];
  }

  function grasp([x, y]) {
    const reach = width / 28;
    const order = [chosen, 1 - chosen];
    for (const i of order) {
      const [left, top, right, bottom] = model.get(NAMES[i]);
      const corners = [[left, top], [right, top], [left, bottom], [right, bottom]];
      const corner = corners.findIndex(([a, b]) => Math.abs(a - x) < reach && Math.abs(b - y) < reach);
      if (corner >= 0) return { i, corner };
    }
    const i = order.find((one) => {
      const [left, top, right, bottom] = model.get(NAMES[one]);
      return x >= left && x <= right && y >= top && y <= bottom;
    });
    return i === undefined ? null : { i, corner: -1 };
  }

  function onDown(event) {
    const at = place(event);
    const held = grasp(at);
    if (!held) return;
    chosen = held.i;
    drag = { corner: held.corner, at, box: model.get(NAMES[chosen]) };
    stage.setPointerCapture(event.pointerId);
    draw();
  }

  function onMove(event) {
    const at = place(event);
    if (!drag) {
      const over = grasp(at);
      stage.style.cursor = !over ? "default" : over.corner < 0 ? "move" : [0, 3].includes(over.corner) ? "nwse-resize" : "nesw-resize";
      return;
    }
    const [across, down] = [at[0] - drag.at[0], at[1] - drag.at[1]].map(Math.round);
    const box = drag.corner < 0 ? moved(drag.box, across, down, width, height) : stretched(drag.box, drag.corner, Math.round(at[0]), Math.round(at[1]), width, height);
    set({ [NAMES[chosen]]: box });
  }

  function onUp() {
    drag = null;
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const box = model.get(NAMES[chosen]);
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move && event.shiftKey) set({ [NAMES[chosen]]: stretched(box, 3, box[2] + move[0], box[3] + move[1], width, height) });
    else if (move) set({ [NAMES[chosen]]: moved(box, ...move, width, height) });
    else if (event.key === " ") take(1 - chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Life
  const redraw = coalesce(draw);
  model.on("change:first change:second", redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    model.off("change:first change:second", redraw);
  };
}

export default { render: renderOverlap };
