// The convolution explorer: what is drawn, and what keys, buttons and sliders do. All numbers come from arithmetic.js.
import { fitWindows, formula, meanChannel, number, resize, slide, unread, verdict } from "./arithmetic.js";
import {
  box, button, choice, coalesce, darkTheme, html, ICONS, keyboardStage, paint, setter, slider, svg, text, watch,
} from "./drawing.js";

const SETTINGS = [
  "size", "kernel", "stride", "padding", "dilation", "operation", "convention", "image", "kernel_name",
];
const TITLE = 28; // room above the maps for their titles
const FOOT = 34; // and below, for the legend
const MOST_TERMS = 9; // of a sum that is written out

const NOTES = {
  convolution: "Deep learning's convolution does not flip the kernel: strictly speaking it is a cross-correlation.",
  "max pooling": "Max pooling pads with −∞, so that padding never wins. Nothing is learned here: pooling has no weights.",
  "average pooling":
    "Average pooling pads with 0 and counts the zeros: it always divides by K², as PyTorch does unless told otherwise.",
};

function render({ model, el }) {
  // What the reader does and the kernel need not know.
  let playing = null; // timer of the animation
  let reached = null; // while playing: how many outputs have been computed
  const id = `vl-${Math.random().toString(36).slice(2)}`;

  const set = setter(model);

  // Controls
  const sliders = [
    ["size", "input", "W"],
    ["kernel", "kernel", "K"],
    ["stride", "stride", "S"],
    ["padding", "padding", "P"],
    ["dilation", "dilation", "D"],
  ].map(([control, label, symbol]) => [
    control,
    slider({ control, label, symbol, onInput: (value) => set({ [control]: value }) }),
  ]);
  const limits = { kernel: [1, 11], stride: [1, 8], padding: [0, 5], dilation: [1, 4] };
  const kernels = model.get("_kernels");
  const choices = {
    operation: choice({
      control: "operation",
      label: "operation",
      words: ["convolution", "max pooling", "average pooling"],
      onInput: (operation) => set({ operation }),
    }),
    image: choice({
      control: "image",
      label: "picture",
      words: ["numbers", "digit", "photo"],
      onInput: (image) => set({ image, size: model.get("_sizes")[image][0] }),
    }),
    kernel_name: choice({
      control: "kernel_name",
      label: "weights",
      words: Object.keys(kernels),
      onInput: (kernel_name) =>
        set(
          kernel_name === "custom"
            ? { kernel_name, kernel: Number(Object.keys(kernels.custom)[0]) }
            : { kernel_name },
        ),
    }),
    convention: choice({
      control: "convention",
      label: "if it does not fit",
      words: [
        ["floor", "round down (frameworks)"],
        ["exact", "cannot apply (exact)"],
      ],
      onInput: (convention) => set({ convention }),
    }),
  };

  const key = (control, label, title, icon, onClick) => button({ control, label, title, icon, onClick });
  const restart = key("restart", "Start", "First position (Home)", ICONS.start, () => stop() || moveTo(0));
  const back = key("back", "Back", "One position back (left arrow)", ICONS.back, () => stop() || moveBy(-1));
  const play = key("play", "Play", "Let the window slide (space bar)", ICONS.play, () => togglePlay());
  const step = key("step", "Step", "One position on (right arrow)", ICONS.step, () => stop() || moveBy(1));
  const where = html("span", { class: "vl-where" });

  // The picture: colours on canvases, everything sharp on the SVG above them.
  const inputCanvas = html("canvas", { "aria-hidden": "true" });
  const outputCanvas = html("canvas", { "aria-hidden": "true" });
  const still = svg("g"); // changes with the settings
  const moving = svg("g"); // changes with the position
  const drawing = svg(
    "svg",
    { role: "img" },
    svg(
      "defs",
      {},
      hatch(`${id}-unread`, "vl-hatch", "vl-hatch-ground", 45),
      hatch(`${id}-wrong`, "vl-cross", "vl-cross-ground", -45),
    ),
    still,
    moving,
  );
  const stage = keyboardStage(
    "Sliding window. Arrow keys move it, Home and End go to the first and last position, space plays.",
    {
      keydown: onKey,
      pointermove: onPointer,
      pointerdown: onPointer,
    },
    inputCanvas,
    outputCanvas,
    drawing,
  );
  const result = html("p", { class: "vl-formula", role: "status", "aria-live": "polite", "data-output-size": "" });
  const words = html("p");
  const sum = html("p", { class: "vl-sum", "aria-live": "polite", "aria-atomic": "true" });
  const student = html("p", { class: "vl-verdict", role: "status", "data-student": "off" });
  const note = html("p", { class: "vl-note" });

  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Convolution explorer" },
    html("div", { class: "vl-bar" }, ...Object.values(choices).map(({ element }) => element)),
    html("div", { class: "vl-bar" }, ...sliders.map(([, { element }]) => element)),
    stage,
    html("div", { class: "vl-transport" }, restart.element, back.element, play.element, step.element, where),
    result,
    words,
    sum,
    student,
    note,
  );
  el.append(root);

  // State: everything that is drawn is derived from the settings here, once for each change.
  let now = null;

  function derive() {
    const settings = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
    const tag = SETTINGS.map((name) => settings[name]).join("|");
    const pixels = model.get("_pixels")[settings.image];
    if (now && now.tag === tag && now.pixels === pixels) return now;
    const { side, words: explanation } = verdict(settings);
    const numbers = settings.image === "numbers";
    const kernel = kernels[settings.kernel_name][settings.kernel] ?? Object.values(kernels[settings.kernel_name])[0];
    const input = pixels ? inputMaps(pixels, settings.size, numbers) : null;
    const output = input && side ? slide(input, settings, kernel) : null;
    now = { settings, tag, pixels, side, explanation, numbers, kernel, input, output, fit: fitWindows(settings) };
    now.scale = output ? colourScale(now) : null;
    return now;
  }

  const position = () => {
    const last = (now.side ?? 1) - 1;
    return { row: Math.min(model.get("row"), last), column: Math.min(model.get("column"), last) };
  };

  // Drawing
  let layout = null;

  function draw() {
    const dark = darkTheme(root);
    const state = derive();
    const { settings, side } = state;
    for (const [name, control] of sliders) {
      const [least, most] = name === "size" ? model.get("_sizes")[settings.image].slice(1) : limits[name];
      control.show(settings[name], least, most, name === "kernel" && settings.kernel_name === "custom" && convolving());
    }
    for (const [name, control] of Object.entries(choices))
      control.show(settings[name], name === "kernel_name" && !convolving());
    for (const { element } of [restart, back, play, step]) element.disabled = !side;

    layout = arrange(Math.floor(stage.clientWidth), state);
    drawing.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    drawing.setAttribute("height", layout.height);
    paintMaps(state, dark);
    still.replaceChildren(...stillParts(state, dark));
    drawMoving();
    say(state);
  }

  const convolving = () => model.get("operation") === "convolution";

  function arrange(available, { settings, side, fit }) {
    const width = Math.max(240, available);
    const beside = width >= 600;
    const middle = beside ? Math.min(150, Math.max(104, width * 0.16)) : Math.min(120, width * 0.34);
    const gap = 34;
    const room = beside ? Math.min(340, Math.floor((width - middle - 2 * gap) / 2)) : Math.min(width - 2, 330);
    const overhang = settings.convention === "exact" && fit.remainder ? settings.stride - fit.remainder : 0;
    const extent = Math.max(fit.padded + overhang, fit.span < 0 ? fit.reach : 0);
    const cell = extent <= room ? Math.min(44, Math.floor(room / extent)) : room / extent;
    const grid = Math.floor(Math.min(middle, beside ? (room - 86) / 2 : middle));
    const pad = settings.padding * cell;
    const spare = beside ? Math.max(0, width - 2 * room - middle - 2 * gap) / 2 : 0;
    const x = Math.floor(spare) + 1;
    const deep = beside ? room : extent * cell;
    const common = { x: x + pad, y: TITLE + pad, cell, pad };
    if (beside)
      return {
        beside, width, height: TITLE + room + FOOT, room, grid,
        input: common,
        patch: { x: x + room + gap + Math.floor((middle - grid) / 2), y: TITLE + 20 },
        output: { x: x + room + 2 * gap + Math.floor(middle), y: TITLE, cell },
      };
    const below = TITLE + deep + 40;
    return {
      beside, width, room, grid,
      height: below + grid + 40 + TITLE + (side ?? 3) * cell + FOOT,
      input: common,
      patch: { x: 1, y: below },
      output: { x: 1, y: below + grid + 40 + TITLE, cell },
    };
  }

  function place(canvas, { x, y, cell }, side) {
    Object.assign(canvas.style, { left: `${x}px`, top: `${y}px`, width: `${side * cell}px`, height: `${side * cell}px` });
  }

  function paintMaps({ input, output, numbers, settings, scale }, dark) {
    inputCanvas.hidden = !input;
    outputCanvas.hidden = !output;
    if (input) {
      paint(inputCanvas, input.side, numbers ? inkColour(input, 9, dark) : pictureColour(input));
      place(inputCanvas, layout.input, settings.size);
    }
    if (output) {
      const colour = scale.signed
        ? signedColour(output, scale.most, dark, numbers)
        : numbers ? inkColour(output, scale.most, dark) : pictureColour(output);
      paint(outputCanvas, output.side, colour);
      place(outputCanvas, layout.output, output.side);
    }
  }

  function stillParts(state, dark) {
    const { settings, side, fit, input, output, numbers, scale } = state;
    const { input: at, output: to } = layout;
    const { size, padding } = settings;
    const cell = at.cell;
    const parts = [];
    const channels = input && input.channels.length > 1 ? `, ${input.channels.length} channels` : "";

    // Input
    parts.push(text(at.x - at.pad, TITLE - 9, `Input ${size}×${size}${channels}`, "vl-title"));
    if (padding) {
      const outer = box(at.x - at.pad, at.y - at.pad, fit.padded * cell);
      const inner = box(at.x, at.y, size * cell);
      parts.push(svg("path", { class: "vl-pad", d: `${outer} ${inner}`, "fill-rule": "evenodd" }));
      parts.push(
        text(at.x - at.pad + fit.padded * cell, TITLE - 9, `padded ${fit.padded}×${fit.padded}`, "vl-small", {
          "text-anchor": "end",
        }),
      );
    }
    if (cell >= 7) {
      parts.push(svg("path", { class: "vl-grid", d: lines(at.x - at.pad, at.y - at.pad, fit.padded, cell) }));
      parts.push(svg("path", { class: "vl-frame", d: box(at.x, at.y, size * cell) }));
    } else parts.push(svg("path", { class: "vl-frame", d: box(at.x, at.y, size * cell) }));
    if (numbers && cell >= 17) {
      parts.push(...cellTexts(input.channels[0], size, at, () => ""));
      if (padding) parts.push(...padTexts(settings, at, fit.padded));
    }
    if (!input) parts.push(text(at.x + 8, at.y + 24, "needs a running kernel", "vl-small"));

    // Pixels that no window reads
    if (fit.windows) {
      const lost = unread(settings);
      const left = at.x - at.pad;
      const top = at.y - at.pad;
      const whole = fit.padded * cell;
      const d = lost
        .flatMap((is, i) => (is ? [box(left, top + i * cell, whole, cell), box(left + i * cell, top, cell, whole)] : []))
        .join("");
      if (d) {
        parts.push(svg("path", { class: "vl-hatch-ground", d }));
        parts.push(svg("path", { d, fill: `url(#${id}-unread)` }));
        if (fit.remainder || lost.some(Boolean)) {
          const below = top + Math.max(whole, 0) + 16;
          const reaches = settings.convention === "exact" && fit.remainder;
          if (!reaches) parts.push(text(left, below, "hatched: never read", "vl-small"));
        }
      }
    }
    // What does not fit: the next window, or the whole kernel
    const outside = outsideWindow(state);
    if (outside !== null) {
      const from = outside * settings.stride * cell;
      parts.push(svg("path", {
        class: "vl-outside",
        d: box(at.x - at.pad + from, at.y - at.pad + from, fit.reach * cell),
      }));
    }

    // Output
    const depth = output && output.channels.length > 1 ? `, ${output.channels.length} channels` : "";
    parts.push(text(to.x, to.y - 9, side ? `Output ${side}×${side}${depth}` : "No output", "vl-title"));
    if (!side) {
      const empty = Math.min(layout.room, 3 * Math.min(cell, 44)) || 90;
      const extent = Math.max(empty, 90);
      parts.push(svg("path", { class: "vl-empty", d: box(to.x, to.y, extent) }));
      parts.push(text(to.x + extent / 2, to.y + extent / 2, fit.span < 0 ? "too small" : "cannot apply", "vl-small vl-cell"));
    } else if (output) {
      if (cell >= 7) parts.push(svg("path", { class: "vl-grid", d: lines(to.x, to.y, side, cell) }));
      parts.push(svg("path", { class: "vl-frame", d: box(to.x, to.y, side * cell) }));
      if (numbers && cell >= 17) parts.push(...cellTexts(output.channels[0], side, to, () => ""));
      parts.push(...marks());
      parts.push(...legend(scale, dark, numbers, to, side * cell));
    }
    return parts;
  }

  /** Number of the first window that would stick out and is to be shown, or null. */
  function outsideWindow({ settings, fit }) {
    if (fit.span < 0) return 0;
    return settings.convention === "exact" && fit.remainder ? fit.windows : null;
  }

  /** The student's wrong outputs, once the kernel has answered for these settings. */
  function marks() {
    const report = answer();
    if (!report || report.state !== "wrong") return [];
    const { x, y, cell } = layout.output;
    const { side } = now;
    let d = "";
    report.wrong.forEach((is, i) => {
      if (is) d += box(x + (i % side) * cell, y + Math.floor(i / side) * cell, cell);
    });
    return [
      cell >= 7
        ? svg("path", { d, fill: `url(#${id}-wrong)`, class: "vl-marked" })
        : svg("path", { d, fill: `url(#${id}-wrong)` }),
    ];
  }

  function answer() {
    const report = model.get("_verdict");
    if (!report.settings || report.settings !== now.tag) return null;
    if (!report.wrong) return report;
    const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    return { ...report, wrong: new Uint8Array(bytes(report.wrong)), got: new Float64Array(bytes(report.got)) };
  }

  function cellTexts(values, side, { x, y, cell }, kind) {
    const shown = Array.from(values, number);
    const longest = Math.max(1, ...shown.map((word) => word.length));
    const size = Math.min(15, cell * 0.48, (cell - 4) / (longest * 0.6));
    if (size < 7) return [];
    return shown.map((word, i) =>
      text(x + ((i % side) + 0.5) * cell, y + (Math.floor(i / side) + 0.5) * cell, word, `vl-cell ${kind(i)}`, {
        "font-size": size,
      }),
    );
  }

  function padTexts({ padding, operation }, { x, y, cell, pad }, padded) {
    const word = operation === "max pooling" ? "−∞" : "0";
    const parts = [];
    for (let i = 0; i < padded; i++)
      for (let j = 0; j < padded; j++)
        if (Math.min(i, j) < padding || Math.max(i, j) >= padded - padding)
          parts.push(
            text(x - pad + (j + 0.5) * cell, y - pad + (i + 0.5) * cell, word, "vl-cell vl-faint", {
              "font-size": Math.min(13, cell * 0.42),
            }),
          );
    return parts;
  }

  function legend(scale, dark, numbers, { x, y }, extent) {
    const at = y + extent + 10;
    if (!scale.signed || numbers)
      return scale.clipped ? [text(x, at + 8, "below 0 is black, above 1 white", "vl-small")] : [];
    const stops = [-1, -0.5, 0, 0.5, 1].map((value) =>
      svg("stop", { offset: `${50 + 50 * value}%`, "stop-color": `rgb(${signedRGB(value, dark).join()})` }),
    );
    const wide = 96;
    return [
      svg("linearGradient", { id: `${id}-scale` }, ...stops),
      text(x, at + 9, `−${scale.most.toFixed(2)}`, "vl-small"),
      svg("rect", { x: x + 40, y: at, width: wide, height: 10, rx: 2, fill: `url(#${id}-scale)`, class: "vl-frame-thin" }),
      text(x + 40 + wide + 6, at + 9, scale.most.toFixed(2), "vl-small"),
    ];
  }

  function drawMoving() {
    const { settings, side, input, output, fit, kernel } = now;
    if (!side || !input) {
      moving.replaceChildren();
      where.textContent = "";
      return;
    }
    const { row, column } = position();
    const { stride, dilation, padding } = settings;
    const K = settings.kernel;
    const { input: at, output: to, patch, grid, beside } = layout;
    const cell = at.cell;
    const parts = [];

    // The outputs that an animation has not reached yet
    if (reached !== null) {
      const i = Math.floor(reached / side);
      const j = reached % side;
      let d = "";
      if (j) d += box(to.x + j * cell, to.y + i * cell, (side - j) * cell, cell);
      const from = j ? i + 1 : i;
      if (from < side) d += box(to.x, to.y + from * cell, side * cell, (side - from) * cell);
      parts.push(svg("path", { class: "vl-veil", d }));
    }

    // The window on the input
    const left = at.x - at.pad + column * stride * cell;
    const top = at.y - at.pad + row * stride * cell;
    const wide = fit.reach * cell;
    let taps = "";
    for (let k = 0; k < K; k++)
      for (let l = 0; l < K; l++) taps += box(left + l * dilation * cell, top + k * dilation * cell, cell);
    const outX = to.x + column * cell;
    const outY = to.y + row * cell;
    const small = Math.floor(grid / K);
    const patchSide = K * small;
    const lower = convolving() ? { x: beside ? patch.x : patch.x + grid + 34, y: beside ? patch.y + grid + 40 : patch.y } : null;
    const inset = Math.floor((grid - patchSide) / 2);
    if (beside) {
      const end = lower ? lower.y + inset + patchSide : patch.y + inset + patchSide;
      parts.push(beam(left + wide, top, top + wide, patch.x + inset, patch.y + inset, patch.y + inset + patchSide));
      parts.push(beam(patch.x + inset + patchSide, patch.y + inset, end, outX, outY, outY + cell));
    }
    parts.push(svg("path", { class: dilation > 1 ? "vl-taps vl-taps-outlined" : "vl-taps", d: taps }));
    const thin = Math.max(1.5, Math.min(3, cell * 0.4));
    parts.push(svg("path", { class: "vl-halo", d: box(left, top, wide), "stroke-width": thin + 2 }));
    parts.push(svg("path", { class: "vl-window", d: box(left, top, wide), style: `stroke-width:${thin}` }));
    const seen = Math.max(cell, 5);
    const shift = (cell - seen) / 2;
    parts.push(svg("path", { class: "vl-halo", d: box(outX + shift, outY + shift, seen) }));
    parts.push(svg("path", { class: "vl-window", d: box(outX + shift, outY + shift, seen), style: `stroke-width:${Math.max(2, thin)}` }));

    // Patch and kernel, close up
    const values = windowValues(row, column);
    const value = output.channels.map((channel) => channel[row * side + column]);
    const winner = settings.operation === "max pooling" ? values.indexOf(Math.max(...values)) : -1;
    parts.push(text(patch.x + inset, patch.y + inset - 7, "window", "vl-small"));
    parts.push(...closeUp(values, patch.x + inset, patch.y + inset, K, small, patchTone, winner));
    let resultAt = { x: patch.x + grid / 2, y: patch.y + inset + patchSide + 24 };
    if (lower) {
      const most = Math.max(...kernel.weights.map(Math.abs)) || 1;
      if (beside) parts.push(text(patch.x + grid / 2, lower.y + inset - 30, "⊙", "vl-title vl-cell"));
      else parts.push(text(lower.x - 17, patch.y + grid / 2, "⊙", "vl-title vl-cell"));
      const label = kernel.divisor === 1 ? "kernel" : `kernel ÷ ${kernel.divisor}`;
      parts.push(text(lower.x + inset, lower.y + inset - 7, label, "vl-small"));
      parts.push(...closeUp(kernel.weights, lower.x + inset, lower.y + inset, K, small, weightTone(most), -1));
      resultAt = { x: patch.x + grid / 2, y: lower.y + inset + patchSide + 22 };
    }
    const sign = { convolution: "=", "max pooling": "max =", "average pooling": "mean =" }[settings.operation];
    const said = value.length === 1 ? `${sign} ${number(value[0])}` : `${sign} ${value.map((v) => number(v)).join(" ")}`;
    parts.push(
      beside
        ? text(resultAt.x, resultAt.y, said, "vl-result", { "text-anchor": "middle" })
        : text(lower ? lower.x + grid + 12 : patch.x + grid + 12, patch.y + grid / 2 + 5, said, "vl-result"),
    );
    moving.replaceChildren(...parts);

    where.textContent = `row ${row}, column ${column} of ${side}×${side}`;
    drawing.setAttribute(
      "aria-label",
      `${settings.operation}: a ${K}×${K} window at row ${row}, column ${column} of ${side}×${side} positions on ` +
        `a ${settings.size}×${settings.size} input${padding ? ` with padding ${padding}` : ""}; output ${value.map(number).join(", ")}.`,
    );
    sum.setAttribute("aria-live", playing ? "off" : "polite");
    sum.replaceChildren(...writtenOut(values, kernel, value, row, column));
  }

  /** The values under the window, −∞ or 0 in the padding; of a photo the mean of its channels. */
  function windowValues(row, column) {
    const { settings, input } = now;
    const grey = (now.grey ??= meanChannel(input));
    const { stride, padding, dilation, size } = settings;
    const values = [];
    for (let k = 0; k < settings.kernel; k++)
      for (let l = 0; l < settings.kernel; l++) {
        const y = row * stride - padding + k * dilation;
        const x = column * stride - padding + l * dilation;
        const inside = y >= 0 && x >= 0 && y < size && x < size;
        values.push(inside ? grey[y * size + x] : settings.operation === "max pooling" ? -Infinity : 0);
      }
    return values;
  }

  function closeUp(values, x, y, K, cell, tone, winner) {
    const parts = [];
    const shown = Array.from(values, (value) => (now.numbers || Number.isInteger(value) ? number(value) : number(value).replace(/^(−?)0\./, "$1.")));
    const longest = Math.max(...shown.map((word) => word.length));
    const size = Math.min(14, cell * 0.46, (cell - 3) / (longest * 0.6));
    shown.forEach((word, i) => {
      const left = x + (i % K) * cell;
      const top = y + Math.floor(i / K) * cell;
      const { fill, kind } = tone(values[i]);
      parts.push(svg("rect", { x: left, y: top, width: cell, height: cell, fill, class: "vl-tone" }));
      if (size >= 8)
        parts.push(text(left + cell / 2, top + cell / 2, word, `vl-cell ${kind}`, { "font-size": size }));
    });
    if (cell >= 7) parts.push(svg("path", { class: "vl-grid", d: lines(x, y, K, cell) }));
    parts.push(svg("path", { class: "vl-frame", d: box(x, y, K * cell) }));
    if (winner >= 0)
      parts.push(svg("path", { class: "vl-window", d: box(x + (winner % K) * cell, y + Math.floor(winner / K) * cell, cell) }));
    return parts;
  }

  const patchTone = (value) => {
    if (!Number.isFinite(value)) return { fill: "none", kind: "vl-faint" };
    if (now.numbers) return { fill: `rgba(${inkRGB(root.classList.contains("vl-dark"))},${inkAlpha(value / 9)})`, kind: "" };
    const grey = Math.round(255 * Math.min(1, Math.max(0, value)));
    return { fill: `rgb(${grey},${grey},${grey})`, kind: grey > 127 ? "vl-on-light" : "vl-on-dark" };
  };

  const weightTone = (most) => (value) => {
    const [r, g, b] = value < 0 ? [0, 114, 178] : [213, 94, 0];
    return { fill: `rgba(${r},${g},${b},${0.42 * Math.abs(value / most)})`, kind: "" };
  };

  /** The sum, product by product where there is room. */
  function writtenOut(values, { weights, divisor }, value, row, column) {
    const { settings, numbers } = now;
    const parts = [];
    const bracket = (v) => (v < 0 ? `(${number(v)})` : number(v));
    const count = values.length;
    const short = numbers && count <= MOST_TERMS;
    const strong = html("b", {}, value.map(number).join(", "));
    if (settings.operation === "convolution") {
      const channels = now.input.channels.length;
      if (short) {
        const terms = values.map((v, i) => `${bracket(v)}·${bracket(weights[i])}`).join(" + ");
        parts.push(divisor === 1 ? `${terms} = ` : `(${terms})/${divisor} = `);
      } else parts.push(`sum of ${channels > 1 ? `${channels}·` : ""}${settings.kernel}·${settings.kernel} = ${channels * count} products = `);
    } else {
      const listed = values.map(number).join(settings.operation === "max pooling" ? ", " : " + ");
      if (!numbers) parts.push(`${settings.operation === "max pooling" ? "largest" : "mean"} of ${count} values${value.length > 1 ? ", for each channel" : ""} = `);
      else if (settings.operation === "max pooling") parts.push(count <= 16 ? `max(${listed}) = ` : `largest of ${count} values = `);
      else parts.push(count <= 16 ? `(${listed})/${count} = ` : `sum of ${count} values / ${count} = `);
    }
    parts.push(strong);
    const report = answer();
    const i = row * now.side + column;
    if (report?.wrong?.[i]) parts.push(html("span", { class: "vl-refused" }, ` but your conv_forward says ${number(report.got[i])}`));
    return parts;
  }

  function say({ settings, side, explanation, fit }) {
    const refused = side === null;
    result.dataset.outputSize = side ?? "";
    const symbols = settings.dilation === 1 ? "(W + 2P − K)/S + 1" : "(W + 2P − D(K − 1) − 1)/S + 1";
    const down = settings.convention === "floor" && fit.remainder;
    const said = formula(settings);
    if (result.dataset.said !== said) {
      result.dataset.said = said;
      result.replaceChildren(
        html("span", {}, `output size = ${down ? "⌊(" + symbols.slice(1).replace(" + 1", "").replace(/\/S.*$/, "/S⌋ + 1") : symbols}`),
        html("b", {}, said),
      );
    }
    words.textContent = explanation;
    words.className = refused ? "vl-refused" : "";
    if (refused) {
      sum.replaceChildren();
      drawing.setAttribute("aria-label", `No output. ${explanation}`);
    }
    const report = answer();
    const asked = Boolean(model.get("_verdict").state);
    student.hidden = !asked;
    student.dataset.student = report ? report.state : "off";
    student.textContent = report ? `${{ right: "✓ ", wrong: "✗ ", error: "✗ " }[report.state] ?? ""}${report.message}` : asked ? "Asking your conv_forward …" : "";
    const photo = settings.image === "photo" && convolving();
    const gap = settings.operation === "average pooling" && settings.dilation > 1 ? " (PyTorch's has no dilation.)" : "";
    note.replaceChildren(
      NOTES[settings.operation] + gap,
      photo ? " The filter is 3×K×K: a third of the kernel on each colour channel, added up to one map." : "",
      " Focus the picture: ",
      html("kbd", {}, "←"), " ", html("kbd", {}, "→"), " ", html("kbd", {}, "↑"), " ", html("kbd", {}, "↓"), " move, ",
      html("kbd", {}, "space"), " plays.",
    );
    play.show(playing ? "Pause" : "Play", playing ? ICONS.pause : ICONS.play);
  }

  // Moving
  let saving = 0;

  function moveTo(index) {
    const side = now.side ?? 1;
    const bounded = Math.min(side * side - 1, Math.max(0, index));
    model.set({ row: Math.floor(bounded / side), column: bounded % side });
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 150); // the kernel need not see every step
    drawMoving();
  }

  function moveBy(steps) {
    const { row, column } = position();
    moveTo(row * now.side + column + steps);
  }

  function stop() {
    clearInterval(playing);
    playing = reached = null;
    play.show("Play", ICONS.play);
    return false;
  }

  function togglePlay() {
    if (!now.side) return;
    if (playing) {
      stop();
      drawMoving();
      return;
    }
    const count = now.side * now.side;
    const { row, column } = position();
    let index = row * now.side + column;
    if (index >= count - 1) index = 0;
    const every = count <= 100 ? 420 : 40; // large maps in some ten seconds, many outputs a step
    const steps = count <= 100 ? 1 : Math.ceil(count / 250);
    const advance = () => {
      reached = index + 1;
      moveTo(index);
      if (index >= count - 1) {
        stop();
        drawMoving();
      }
      index = Math.min(count - 1, index + steps);
    };
    playing = setInterval(advance, every);
    play.show("Pause", ICONS.pause);
    advance();
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !now.side) return;
    const { row, column } = position();
    const side = now.side;
    const moves = {
      ArrowLeft: () => moveBy(-1),
      ArrowRight: () => moveBy(1),
      ArrowUp: () => row > 0 && moveTo((row - 1) * side + column),
      ArrowDown: () => row < side - 1 && moveTo((row + 1) * side + column),
      Home: () => moveTo(0),
      End: () => moveTo(side * side - 1),
      " ": () => togglePlay(),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key !== " ") stop();
    move();
  }

  /** The pointer takes the window along: over the output as it goes, over the input when pressed. */
  function onPointer(event) {
    if (!now.side || playing) return;
    const frame = drawing.getBoundingClientRect();
    const scale = layout.width / frame.width;
    const x = (event.clientX - frame.left) * scale;
    const y = (event.clientY - frame.top) * scale;
    const { input: at, output: to } = layout;
    const { settings, side, fit } = now;
    let column = Math.floor((x - to.x) / to.cell);
    let row = Math.floor((y - to.y) / to.cell);
    if (row < 0 || column < 0 || row >= side || column >= side) {
      if (!event.buttons) return;
      const px = (x - at.x + at.pad) / at.cell;
      const py = (y - at.y + at.pad) / at.cell;
      if (px < 0 || py < 0 || px > fit.padded || py > fit.padded) return;
      const nearest = (p) => Math.min(side - 1, Math.max(0, Math.round((p - fit.reach / 2) / settings.stride)));
      [row, column] = [nearest(py), nearest(px)];
    }
    moveTo(row * side + column);
  }

  // Life
  const redraw = coalesce(draw);
  const changed = () => {
    stop();
    redraw();
  };
  const moved = () => now && drawMoving();
  for (const name of [...SETTINGS, "_pixels"]) model.on(`change:${name}`, changed);
  model.on("change:_verdict", redraw);
  model.on("change:row change:column", moved);
  const unwatch = watch(root, redraw);
  return () => {
    stop();
    unwatch();
    for (const name of [...SETTINGS, "_pixels"]) model.off(`change:${name}`, changed);
    model.off("change:_verdict", redraw);
    model.off("change:row change:column", moved);
  };
}

/** The input as maps: the top-left numbers, or the picture brought to size, from 0 to 1. */
function inputMaps({ side, count, kind, values }, size, numbers) {
  const bytes = values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength);
  const all = kind === "float64" ? new Float64Array(bytes) : new Uint8Array(bytes);
  if (!numbers) {
    const maps = resize({ side, count, values: all }, size);
    for (const channel of maps.channels) channel.forEach((value, i) => (channel[i] = value / 255));
    return maps;
  }
  const channel = new Float64Array(size * size);
  for (let i = 0; i < size * size; i++) channel[i] = all[Math.floor(i / size) * side + (i % size)];
  return { side: size, channels: [channel] };
}

/** How outputs become colours: signed around zero where the weights add up to nothing, else as a picture. */
function colourScale({ settings, kernel, output, numbers }) {
  let most = 0;
  let least = 0;
  for (const channel of output.channels)
    for (const value of channel)
      if (Number.isFinite(value)) {
        most = Math.max(most, value);
        least = Math.min(least, value);
      }
  const total = kernel.weights.reduce((sum, weight) => sum + weight, 0);
  const differences = Math.abs(total) < 1e-9 && kernel.weights.some((weight) => weight < 0);
  const signed = settings.operation === "convolution" && (differences || (numbers && least < 0));
  return {
    signed,
    most: signed ? (numbers ? Math.max(most, -least) : typicalMost(output.channels[0])) || 1 : numbers ? most || 1 : 1,
    clipped: !numbers && !signed && (least < 0 || most > 1 + 1e-9),
  };
}

/** Size that 98 % of the values stay below: a border of zeros makes a few edges that would pale all others. */
function typicalMost(values) {
  const step = Math.max(1, Math.floor(values.length / 4096));
  const sizes = Float64Array.from({ length: Math.ceil(values.length / step) }, (_, i) => Math.abs(values[i * step]));
  return sizes.sort()[Math.floor(0.98 * (sizes.length - 1))];
}

const inkRGB = (dark) => (dark ? [120, 190, 235] : [0, 114, 178]);
const inkAlpha = (part) => 0.02 + 0.36 * Math.min(1, Math.max(0, part));

function inkColour({ channels: [values] }, most, dark) {
  const ink = inkRGB(dark);
  return (i) => [...ink, 255 * inkAlpha(Number.isFinite(values[i]) ? values[i] / most : 0)];
}

function pictureColour({ channels }) {
  const part = (value) => (Number.isFinite(value) ? 255 * value : 0); // the canvas clips to 0 … 255
  if (channels.length === 1) return (i) => [part(channels[0][i]), part(channels[0][i]), part(channels[0][i]), 255];
  return (i) => [part(channels[0][i]), part(channels[1][i]), part(channels[2][i]), 255];
}

/** Blue below zero, vermillion above; zero is nearly the colour of the paper. */
function signedRGB(part, dark) {
  const zero = dark ? [28, 30, 34] : [247, 247, 247];
  const middle = part < 0 ? (dark ? [30, 110, 170] : [86, 180, 233]) : dark ? [190, 96, 20] : [230, 159, 0];
  const end = part < 0 ? (dark ? [140, 205, 250] : [0, 80, 140]) : dark ? [255, 196, 110] : [190, 70, 0];
  const by = Math.min(1, Math.abs(part));
  const [from, to, t] = by < 0.5 ? [zero, middle, 2 * by] : [middle, end, 2 * by - 1];
  return from.map((value, c) => Math.round(value + (to[c] - value) * t));
}

function signedColour({ channels: [values] }, most, dark, numbers) {
  if (!numbers) return (i) => [...signedRGB(values[i] / most, dark), 255];
  return (i) => [...(values[i] < 0 ? [0, 114, 178] : [213, 94, 0]), 255 * 0.4 * Math.abs(values[i] / most)];
}

function lines(x, y, count, cell) {
  let d = "";
  for (let i = 0; i <= count; i++) d += `M${x + i * cell} ${y}v${count * cell}M${x} ${y + i * cell}h${count * cell}`;
  return d;
}

/** The light from one side to another: from (x, top … bottom) to (toX, toTop … toBottom). */
function beam(x, top, bottom, toX, toTop, toBottom) {
  return svg("path", { class: "vl-beam", d: `M${x} ${top}L${toX} ${toTop}V${toBottom}L${x} ${bottom}z` });
}

function hatch(name, stroke, ground, angle) {
  return svg(
    "pattern",
    { id: name, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${angle})` },
    svg("rect", { width: 7, height: 7, class: ground }),
    svg("path", { d: "M0 0v7", class: stroke }),
  );
}

export default { render };
