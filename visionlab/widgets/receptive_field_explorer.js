// The receptive-field explorer: a stack of layers, and all that one unit depends on.
import { fields, reads, sides } from "./arithmetic.js";
import {
  box, button, choice, coalesce, darkTheme, html, keyboardStage, setter, slider, svg, text, watch,
} from "./drawing.js";

const MOST_LAYERS = 6;
const KINDS = ["conv", "pool", "subsample"];
const HUES = ["#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#8a6d00", "#6b7280"]; // one a layer, the input's last
const TITLE = 42; // room above a map for its name and size
const GAP = 40; // between neighbouring maps, for the beams

function renderFields({ model, el }) {
  const set = setter(model);
  const layers = () => model.get("layers");

  // Controls
  const size = slider({ control: "size", label: "side of the input", symbol: "W", onInput: (n) => set({ size: n }) });
  const partsId = `vl-parts-${Math.random().toString(36).slice(2)}`;
  const parts = html("input", {
    id: partsId,
    type: "checkbox",
    "data-control": "parts",
    "data-lm-suppress-shortcuts": "true",
    change: () => set({ parts: parts.checked }),
  });
  const add = button({
    control: "add",
    label: "Add a layer",
    title: "Add a 3×3 convolution at the end",
    onClick: () => set({ layers: [...layers(), ["conv", 3, 1]], layer: layers().length + 1 }),
  });
  const table = html("tbody");
  const picture = svg("svg", { role: "img" });
  const stage = keyboardStage(
    "Stack of layers. Arrow keys move the unit, Page Up and Page Down change the layer.",
    {
      keydown: onKey,
      pointerdown: onPointer,
      pointermove: (event) => event.buttons && onPointer(event),
    },
    picture,
  );
  const result = html("p", { class: "vl-formula", role: "status", "aria-live": "polite", "data-receptive-field": "" });
  const words = html("p");
  const head = ["", "layer", "kernel K", "stride S", "map", "jump  j ← j·S", "receptive field  r ← r + (K − 1)·j", ""];
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Receptive field explorer" },
    html(
      "div",
      { class: "vl-bar" },
      size.element,
      html("div", { class: "vl-check" }, parts, " ", html("label", { for: partsId }, "draw the fields of the units it reads, one by one")),
      add.element,
    ),
    stage,
    result,
    words,
    html(
      "div",
      { class: "vl-scroll" },
      html("table", { class: "vl-layers" }, html("thead", {}, html("tr", {}, ...head.map((word) => (word ? html("th", { scope: "col" }, word) : html("td"))))), table),
    ),
    html(
      "p",
      { class: "vl-note" },
      "Click a unit in any map, or focus the picture: ",
      ...["←", "→", "↑", "↓"].flatMap((name) => [html("kbd", {}, name), " "]),
      "move, ", html("kbd", {}, "Page Up"), " ", html("kbd", {}, "Page Down"), " change the layer.",
    ),
  );
  el.append(root);

  // What is drawn
  let maps = []; // one a layer, input first: {x, y, cell, side}
  let rows = []; // one a layer of the table, kept while only numbers change, so that the focus stays

  function selected() {
    const all = sides(model.get("size"), layers());
    const layer = Math.min(model.get("layer"), layers().length);
    const last = Math.max(0, all[layer] - 1);
    return { all, layer, row: Math.min(model.get("row"), last), column: Math.min(model.get("column"), last) };
  }

  function draw() {
    darkTheme(root);
    const { all, layer, row, column } = selected();
    size.show(model.get("size"), 1, 48);
    parts.checked = model.get("parts");
    add.element.disabled = layers().length >= MOST_LAYERS;
    arrange(all);
    drawMaps(all, layer, row, column);
    fillTable(all, layer);
    say(all, layer, row, column);
  }

  function arrange(all) {
    const width = Math.max(240, stage.clientWidth);
    const shown = all.map((side) => Math.max(side, 1));
    const least = 62; // a title needs this much
    const fits = (cell) => shown.reduce((sum, side) => sum + Math.max(least, side * cell) + GAP, -GAP) <= width - 4;
    let cell = 14;
    while (cell > 5 && !fits(cell)) cell -= 0.5;
    cell = Math.min(cell, (width - 4) / shown[0]);
    maps = [];
    let x = 2;
    let top = 0;
    let bottom = 0;
    const spare = fits(cell)
      ? Math.min(70, (width - 4 - shown.reduce((sum, side) => sum + Math.max(least, side * cell), 0)) / Math.max(1, shown.length - 1))
      : GAP;
    shown.forEach((side) => {
      const wide = Math.max(least, side * cell);
      if (x + wide > width && x > 2) [x, top] = [2, bottom + 14]; // a new line on narrow pages
      maps.push({ x, y: top + TITLE, cell, side, line: top });
      bottom = Math.max(bottom, top + TITLE + side * cell);
      x += wide + spare;
    });
    picture.setAttribute("viewBox", `0 0 ${width} ${bottom + 6}`);
    picture.setAttribute("height", bottom + 6);
  }

  function drawMaps(all, layer, row, column) {
    const list = layers();
    const spansY = reads(list, layer, row);
    const spansX = reads(list, layer, column);
    const alive = all[layer] > 0;
    const drawn = [];
    maps.forEach((map, at) => {
      const { x, y, cell } = map;
      const side = all[at];
      const name = at ? `${at} ${list[at - 1][0]}` : "input";
      drawn.push(text(x, y - 22, name, at === layer ? "vl-title vl-named" : "vl-title"));
      drawn.push(text(x, y - 7, side ? `${side}×${side}` : "nothing left", "vl-small"));
      if (!side) {
        drawn.push(svg("path", { class: "vl-empty", d: box(x, y, Math.max(cell, 12)) }));
        return;
      }
      drawn.push(svg("path", { class: "vl-map", d: box(x, y, side * cell) }));
      if (alive && at <= layer) {
        const [low, high] = spansX[layer - at];
        const [up, down] = spansY[layer - at];
        const field = box(x + low * cell, y + up * cell, (high - low + 1) * cell, (down - up + 1) * cell);
        drawn.push(svg("path", { d: field, fill: hue(at, layer), "fill-opacity": at === layer ? 1 : 0.32 }));
        if (at < layer && maps[at + 1].line === map.line) {
          const [nextLow] = spansX[layer - at - 1];
          const [nextUp, nextDown] = spansY[layer - at - 1];
          const to = maps[at + 1];
          const from = x + (high + 1) * cell;
          drawn.push(
            svg("path", {
              class: "vl-beam",
              d:
                `M${from} ${y + up * cell}L${to.x + nextLow * cell} ${to.y + nextUp * cell}` +
                `V${to.y + (nextDown + 1) * cell}L${from} ${y + (down + 1) * cell}z`,
            }),
          );
        }
      }
      if (cell >= 4) drawn.push(svg("path", { class: "vl-grid", d: grid(x, y, side, cell) }));
      drawn.push(svg("path", { class: "vl-frame", d: box(x, y, side * cell) }));
      if (alive && at <= layer) {
        const [low, high] = spansX[layer - at];
        const [up, down] = spansY[layer - at];
        const d = box(x + low * cell, y + up * cell, (high - low + 1) * cell, (down - up + 1) * cell);
        drawn.push(svg("path", { class: "vl-window", d }));
      }
    });
    if (alive && model.get("parts")) drawn.push(...fieldsOneByOne(layer, spansX, spansY));
    picture.replaceChildren(...drawn);
  }

  const hue = (at, layer) => (at === layer ? "var(--vl-window)" : HUES[(layer - at - 1) % HUES.length]);

  /** The fields of the units that the unit reads, as squares on the input: those of the nearest kernel above 1×1. */
  function partLayer(layer) {
    let at = layer;
    while (at > 0 && layers()[at - 1][1] === 1) at--;
    return at - 1; // the layer whose units are read; negative where there is none
  }

  function fieldsOneByOne(layer, spansX, spansY) {
    const at = partLayer(layer);
    if (at < 0) return [];
    const list = layers();
    const { x, y, cell } = maps[0];
    const [low, high] = spansX[layer - at];
    const [up, down] = spansY[layer - at];
    const drawn = [];
    let count = 0;
    for (let i = up; i <= down; i++)
      for (let j = low; j <= high; j++) {
        const [top, bottom] = reads(list, at, i).at(-1);
        const [left, right] = reads(list, at, j).at(-1);
        const inset = 1.5 + (count % 3) * 0.8; // so that edges in common stay apart
        drawn.push(
          svg("rect", {
            class: "vl-part",
            x: x + left * cell + inset,
            y: y + top * cell + inset,
            width: (right - left + 1) * cell - 2 * inset,
            height: (bottom - top + 1) * cell - 2 * inset,
            stroke: HUES[count % 3],
          }),
        );
        count++;
        const unit = maps[at];
        if (at > 0) drawn.push(svg("path", { class: "vl-dot", d: box(unit.x + (j + 0.3) * cell, unit.y + (i + 0.3) * cell, cell * 0.4) }));
      }
    return drawn;
  }

  function fillTable(all, layer) {
    const list = layers();
    const recursion = fields(list);
    if (rows.length !== list.length) {
      rows = list.map((_, i) => tableRow(i));
      table.replaceChildren(...rows.map(({ element }) => element));
    }
    list.forEach(([kind, kernel, stride], i) => {
      const row = rows[i];
      const before = recursion[i];
      const after = recursion[i + 1];
      row.element.className = i + 1 === layer ? "vl-chosen" : "";
      row.kind.show(kind);
      row.kernel.show(kernel, 1, 11, kind === "subsample");
      row.stride.show(stride, 1, 4);
      row.map.textContent = all[i + 1] ? `${all[i + 1]}×${all[i + 1]}` : "nothing left";
      row.jump.textContent = `${before.j}·${stride} = ${after.j}`;
      row.field.replaceChildren(`${before.r} + (${kernel} − 1)·${before.j} = `, html("b", {}, after.r));
      row.remove.element.disabled = list.length === 1;
    });
  }

  function tableRow(i) {
    const change = (entry) => set({ layers: layers().map((old, at) => (at === i ? entry(old) : old)) });
    const number = i + 1;
    const row = {
      kind: choice({
        control: `kind-${number}`,
        label: `Layer ${number}: kind`,
        words: KINDS,
        hidden: true,
        onInput: (kind) => change(([, kernel, stride]) => [kind, kind === "subsample" ? 1 : kernel, stride]),
      }),
      kernel: slider({
        control: `kernel-${number}`,
        label: `Layer ${number}: kernel`,
        onInput: (kernel) => change(([kind, , stride]) => [kind, kernel, stride]),
      }),
      stride: slider({
        control: `stride-${number}`,
        label: `Layer ${number}: stride`,
        onInput: (stride) => change(([kind, kernel]) => [kind, kernel, stride]),
      }),
      map: html("td"),
      jump: html("td"),
      field: html("td"),
      remove: button({
        control: `remove-${number}`,
        label: "Remove",
        title: `Remove layer ${number}`,
        onClick: () => {
          const left = layers().filter((_, at) => at !== i);
          set({ layers: left, layer: Math.min(model.get("layer"), left.length) });
        },
      }),
    };
    row.element = html(
      "tr",
      {},
      html("th", { scope: "row" }, number),
      html("td", {}, row.kind.element),
      html("td", {}, row.kernel.element),
      html("td", {}, row.stride.element),
      row.map,
      row.jump,
      row.field,
      html("td", {}, row.remove.element),
    );
    return row;
  }

  function say(all, layer, row, column) {
    const list = layers();
    const recursion = fields(list);
    const { r } = recursion[layer];
    result.dataset.receptiveField = r;
    const [top, bottom] = reads(list, layer, row).at(-1);
    const [left, right] = reads(list, layer, column).at(-1);
    const of = layer ? `a unit of layer ${layer} sees` : "a pixel is";
    const said = `${r}×${r}`;
    if (result.dataset.said !== `${of} ${said}`) {
      result.dataset.said = `${of} ${said}`;
      const chain = recursion.slice(0, layer + 1).map((field) => field.r).join(" → ");
      result.replaceChildren(html("span", {}, `${of} `), html("b", {}, `${said} pixels`), html("span", {}, layer > 1 ? `receptive field layer by layer: ${chain}` : ""));
    }
    const at = partLayer(layer);
    const kernel = at >= 0 ? list[at][1] : 1;
    const part = at >= 0 ? recursion[at] : null;
    if (!all[layer]) {
      words.textContent = "Nothing is left of the input at this layer: it is too small for this stack.";
      words.className = "vl-refused";
    } else {
      words.className = "";
      words.textContent = layer
        ? `Unit (${row}, ${column}) depends on input rows ${top}–${bottom} and columns ${left}–${right}.` +
          (model.get("parts") && part
            ? ` They are the union of ${kernel * kernel} fields of ${part.r}×${part.r} pixels, ${part.j} apart: ${part.r} + ${kernel - 1}·${part.j} = ${r}.`
            : "")
        : `Pixel (${row}, ${column}) of the input.`;
    }
    picture.setAttribute("aria-label", `${list.length} layers. ${words.textContent} Receptive field ${said}.`);
  }

  // Moving
  let saving = 0;

  function choose(layer, row, column) {
    const all = sides(model.get("size"), layers());
    if (layer < 0 || layer > layers().length || !all[layer]) return;
    const last = all[layer] - 1;
    const within = (value) => Math.min(last, Math.max(0, value));
    model.set({ layer, row: within(row), column: within(column) });
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 150);
    redraw();
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { layer, row, column } = selected();
    const moves = {
      ArrowLeft: [layer, row, column - 1],
      ArrowRight: [layer, row, column + 1],
      ArrowUp: [layer, row - 1, column],
      ArrowDown: [layer, row + 1, column],
      PageDown: [layer + 1, row, column],
      PageUp: [layer - 1, row, column],
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    choose(...moves[event.key]);
  }

  function onPointer(event) {
    const frame = picture.getBoundingClientRect();
    const scale = picture.viewBox.baseVal.width / frame.width;
    const x = (event.clientX - frame.left) * scale;
    const y = (event.clientY - frame.top) * scale;
    maps.forEach((map, layer) => {
      const column = Math.floor((x - map.x) / map.cell);
      const row = Math.floor((y - map.y) / map.cell);
      if (row >= 0 && column >= 0 && row < map.side && column < map.side) choose(layer, row, column);
    });
  }

  // Life
  const redraw = coalesce(draw);
  const watched = ["layers", "size", "layer", "row", "column", "parts"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

function grid(x, y, count, cell) {
  let d = "";
  for (let i = 0; i <= count; i++) d += `M${x + i * cell} ${y}v${count * cell}M${x} ${y + i * cell}h${count * cell}`;
  return d;
}

export default { render: renderFields };
