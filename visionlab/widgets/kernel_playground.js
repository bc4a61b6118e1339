// The kernel playground: a photograph, a kernel with cells to edit, the result. kernel_playground.py says what is meant.
import { number } from "./arithmetic.js";
import { button, choice, coalesce, darkTheme, html, keyboardStage, setter, svg, uniqueId, watch } from "./drawing.js";

const OPERATIONS = ["convolution", "cross-correlation"];
const VIEWS = [
  ["as a picture", "as a picture (cut at black and white)"],
  ["zero is grey", "zero is grey, negative is darker"],
  ["size only", "size only, whatever the sign"],
];

/** The kernel as it is laid on the photograph: turned by half a turn for a convolution. */
export function laid(weights, operation) {
  return operation === "convolution" ? weights.toReversed().map((row) => row.toReversed()) : weights;
}

/** What each sum is divided by. */
export function divisorOf(weights, divide) {
  const total = weights.flat().reduce((sum, weight) => sum + weight, 0);
  return divide && Math.abs(total) > 1e-9 ? total : 1;
}

/** Lays the weights on every pixel of a square picture; beyond its border the outermost pixels go on. */
export function layEverywhere(values, side, weights, divisor) {
  const reach = (weights.length - 1) / 2;
  const inside = (at) => Math.min(side - 1, Math.max(0, at));
  const sums = new Float64Array(side * side);
  weights.forEach((row, k) =>
    row.forEach((weight, l) => {
      if (!weight) return;
      for (let i = 0; i < side; i++) {
        const from = inside(i + k - reach) * side;
        for (let j = 0; j < side; j++) sums[i * side + j] += weight * values[from + inside(j + l - reach)];
      }
    }),
  );
  return sums.map((sum) => sum / divisor);
}

/** Size that stands for white where zero is grey. */
export function signedLimit(values) {
  const sizes = Float64Array.from(values, Math.abs).sort();
  return sizes[Math.floor(0.99 * (sizes.length - 1))] || 1;
}

/** How one value becomes brightness from 0 to 1, before it is cut off. */
export function toBrightness(view, limit) {
  if (view === "zero is grey") return (value) => 0.5 + (0.5 * value) / limit;
  if (view === "size only") return (value) => Math.abs(value) / limit;
  return (value) => value;
}

function renderPlayground({ model, el }) {
  const set = setter(model);
  const { presets, questions, answers } = model.get("_offer");
  const photos = Object.keys(model.get("_pixels"));
  const side = Math.sqrt(model.get("_pixels")[photos[0]].byteLength);
  const id = uniqueId();

  // Controls
  const photo = choice({ control: "photo", label: "photograph", words: photos, onInput: (word) => set({ photo: word }) });
  const preset = choice({ control: "preset", label: "kernel", words: [...Object.keys(presets), "your own"], onInput: take });
  const operation = choice({ control: "operation", label: "operation", words: OPERATIONS, onInput: (word) => set({ operation: word }) });
  const view = choice({ control: "view", label: "show results", words: VIEWS, onInput: (word) => set({ view: word }) });
  const box = { type: "checkbox", id: `${id}-divide`, "data-control": "divide", "data-lm-suppress-shortcuts": "true" };
  const divide = html("input", { ...box, change: () => set({ divide: divide.checked }) });
  const size = choice({ control: "size", label: "cells", words: [["3", "3×3"], ["5", "5×5"]], onInput: (word) => resize(Number(word)) });

  size.element.classList.add("vl-cell-count");

  /** The view that suits a kernel: where the weights cancel out, results have both signs. */
  const suits = (weights) => (Math.abs(weights.flat().reduce((a, b) => a + b, 0)) < 1e-9 ? "zero is grey" : "as a picture");

  function take(name) {
    if (presets[name]) set({ weights: presets[name], view: suits(presets[name]) });
  }

  function resize(now) {
    const old = model.get("weights");
    const by = (now - old.length) / 2;
    set({ weights: Array.from({ length: now }, (_, i) => Array.from({ length: now }, (_, j) => old[i - by]?.[j - by] ?? 0)) });
  }

  // Pictures
  const frames = [0, 1].map(() => html("canvas", { width: side, height: side, "aria-hidden": "true" }));
  const marks = [0, 1].map(() => svg("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" }));
  const keys = { keydown: onKey, pointerdown: onPointer, pointermove: (event) => event.buttons && onPointer(event) };
  const stages = ["Photograph", "Result"].map((name, i) =>
    keyboardStage(`${name}. Arrow keys move the place looked at; with Shift by ten pixels.`, keys, frames[i], marks[i]),
  );
  const cells = html("div", { class: "vl-cells", role: "group", "aria-label": "Weights of the kernel" });
  const upon = html("div", { class: "vl-laid" });
  const titles = [html("h4", {}, "photograph"), html("h4", {}, "kernel"), html("h4", {}, "result")];
  const ramp = html("div", { class: "vl-ramp" }, html("span"), html("i"), html("span"));
  const said = html("p", { class: "vl-sum", role: "status", "aria-live": "polite", "data-kernel": "" });
  const about = html("p", { class: "vl-note" });

  // The quiz
  const buttons = answers.map((word) => button({ control: `answer-${word}`, label: word, onClick: () => set({ answer: word }) }));
  const next = button({ control: "next", label: "Another one", onClick: ask });
  const verdict = html("p", { class: "vl-verdict", role: "status", "aria-live": "polite" });
  const quiz = html("div", {}, html("div", { class: "vl-answers" }, html("b", {}, "What will it do?"), ...buttons.map((b) => b.element), next.element), verdict);

  function ask() {
    const question = (model.get("question") + 1) % questions.length;
    set({ question, answer: "", weights: questions[question][0], view: suits(questions[question][0]) });
  }

  const checked = html("label", { for: box.id }, "divide by the sum of the weights");
  const setup = html("div", { class: "vl-bar" }, photo.element, preset.element, operation.element, view.element, size.element, html("div", { class: "vl-check" }, divide, " ", checked));
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Kernel playground" },
    setup,
    html("div", { class: "vl-kernel" }, html("div", {}, titles[0], stages[0]), html("div", {}, titles[1], cells, upon), html("div", {}, titles[2], stages[1], ramp)),
    quiz,
    said,
    about,
  );
  el.append(root);

  // What is drawn
  const grey = {}; // photographs from 0 to 1, made once
  let inputs = [];
  let now = null; // what the last drawing computed

  function photoValues(name) {
    if (!grey[name]) {
      const view = model.get("_pixels")[name];
      grey[name] = Float64Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), (value) => value / 255);
    }
    return grey[name];
  }

  function draw() {
    darkTheme(root);
    const weights = model.get("weights");
    const asked = model.get("quiz") && !model.get("answer");
    const values = photoValues(model.get("photo"));
    const divisor = divisorOf(weights, model.get("divide"));
    const turned = laid(weights, model.get("operation"));
    const result = layEverywhere(values, side, turned, divisor);
    const limit = signedLimit(result);
    now = { weights, turned, divisor, values, result, limit, asked };

    photo.show(model.get("photo"));
    operation.show(model.get("operation"));
    view.show(model.get("view"));
    size.show(String(weights.length));
    divide.checked = model.get("divide");
    preset.show(Object.keys(presets).find((name) => JSON.stringify(presets[name]) === JSON.stringify(weights)) ?? "your own");
    preset.element.hidden = size.element.hidden = model.get("quiz");
    quiz.hidden = !model.get("quiz");

    shade(frames[0], values, (value) => value);
    shade(frames[1], result, toBrightness(model.get("view"), limit));
    stages[1].classList.toggle("vl-veiled", asked);
    drawCells(weights);
    drawLaid(turned);
    titles[1].textContent = divisor === 1 ? "kernel" : `kernel, then divided by ${number(divisor)}`;
    titles[2].textContent = model.get("operation");
    ramp.hidden = asked;
    const ends = { "as a picture": ["≤ 0", "≥ 1"], "zero is grey": [number(-limit), number(limit)], "size only": ["0", `±${number(limit)}`] };
    ramp.firstChild.textContent = ends[model.get("view")][0];
    ramp.lastChild.textContent = ends[model.get("view")][1];
    tellQuiz();
    drawMarks();
  }

  function shade(canvas, values, bright) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    values.forEach((value, i) => {
      const level = 255 * Math.min(1, Math.max(0, bright(value)));
      image.data.set([level, level, level, 255], 4 * i);
    });
    context.putImageData(image, 0, 0);
  }

  function drawCells(weights) {
    const count = weights.length;
    if (inputs.length !== count * count) {
      inputs = weights.flatMap((row, i) =>
        row.map((_, j) =>
          html("input", {
            type: "number",
            step: "any",
            min: -1000,
            max: 1000,
            required: true,
            "data-control": `cell-${i}-${j}`,
            "data-lm-suppress-shortcuts": "true",
            "aria-label": `weight, row ${i + 1}, column ${j + 1}`,
            input: () => edit(i, j),
          }),
        ),
      );
      cells.replaceChildren(...inputs);
      cells.dataset.side = count;
      cells.style.gridTemplateColumns = `repeat(${count}, auto)`;
    }
    const most = Math.max(...weights.flat().map(Math.abs)) || 1;
    weights.flat().forEach((weight, at) => {
      const input = inputs[at];
      if (input.value === "" ? document.activeElement !== input : Number(input.value) !== weight) input.value = weight;
      input.style.background = tint(weight / most);
      input.readOnly = model.get("quiz");
    });
  }

  const tint = (part) => `rgba(${part < 0 ? "0, 114, 178" : "213, 94, 0"}, ${0.42 * Math.abs(part)})`;

  function edit(i, j) {
    const input = inputs[i * now.weights.length + j];
    if (!input.validity.valid) return; // half typed: "−", "1e"
    const weights = now.weights.map((row) => [...row]);
    weights[i][j] = Number(input.value);
    set({ weights });
  }

  function drawLaid(turned) {
    const most = Math.max(...turned.flat().map(Math.abs)) || 1;
    const rows = turned.map((row) =>
      html("tr", {}, ...row.map((weight) => {
        const cell = html("td", {}, number(weight));
        cell.style.background = tint(weight / most);
        return cell;
      })),
    );
    const words = model.get("operation") === "convolution" ? "laid on the photograph (turned by half a turn):" : "laid on the photograph (as it is):";
    upon.replaceChildren(words, html("table", {}, html("tbody", {}, ...rows)));
  }

  function tellQuiz() {
    if (!model.get("quiz")) return;
    const [, right, why] = questions[model.get("question")];
    const given = model.get("answer");
    buttons.forEach(({ element }, i) => {
      element.disabled = Boolean(given);
      if (given && [given, right].includes(answers[i])) element.dataset.right = String(answers[i] === right);
      else delete element.dataset.right;
    });
    next.element.disabled = !given;
    verdict.hidden = !given;
    verdict.dataset.student = given === right ? "right" : "wrong";
    verdict.textContent = given ? `${given === right ? "✓ Right" : `✗ No: it ${right}`}. ${why}` : "";
  }

  function drawMarks() {
    if (!now) return;
    const [row, column] = [model.get("row"), model.get("column")];
    const reach = (now.turned.length - 1) / 2;
    const around = (size, half) => ({ x: column - half, y: row - half, width: size, height: size, fill: "none" });
    const frame = (size, half) => [
      svg("rect", { ...around(size, half), stroke: "#000", "stroke-width": 2.4 }),
      svg("rect", { ...around(size, half), stroke: "#f0ad1a", "stroke-width": 1.2 }),
    ];
    marks[0].replaceChildren(...frame(2 * reach + 1, reach));
    marks[1].replaceChildren(...frame(1, 0));
    const at = (i) => Math.min(side - 1, Math.max(0, i));
    const products = now.turned.flatMap((weights, k) =>
      weights.map((weight, l) => [weight, now.values[at(row + k - reach) * side + at(column + l - reach)]]),
    );
    const value = now.result[row * side + column];
    Object.assign(said.dataset, { row, column, value: now.asked ? "" : value });
    const bracket = (v) => (v < 0 ? `(${number(v)})` : number(v));
    const terms = products.filter(([weight]) => weight).map(([weight, pixel]) => `${bracket(weight)}·${number(pixel)}`);
    const sum = terms.length > 9 ? `the sum of ${terms.length} products` : terms.join(" + ") || "0";
    const divided = now.divisor === 1 ? sum : terms.length > 9 ? `${sum}, divided by ${number(now.divisor)}` : `(${sum})/${number(now.divisor)}`;
    said.replaceChildren(`Row ${row}, column ${column}: ${divided} = `, html("b", {}, now.asked ? "?" : number(value)));
    if (now.asked) return about.replaceChildren("Black is 0, white is 1. Decide first, then look.");
    let [least, most, cut] = [Infinity, -Infinity, 0];
    const bright = toBrightness(model.get("view"), now.limit);
    for (const one of now.result) {
      least = Math.min(least, one);
      most = Math.max(most, one);
      cut += bright(one) < -1e-9 || bright(one) > 1 + 1e-9;
    }
    const share = (100 * cut) / now.result.length;
    about.replaceChildren(
      `Results run from ${number(least)} to ${number(most)} (photograph: black 0, white 1); `,
      share ? `${share < 1 ? "less than 1" : Math.round(share)} % are beyond black or white and cut off. ` : "none is cut off. ",
      model.get("quiz") ? "" : "Edit a cell: type, or ",
      ...(model.get("quiz") ? [] : [html("kbd", {}, "↑"), " ", html("kbd", {}, "↓"), " by 1."]),
    );
  }

  // Looking at one place
  function look(row, column) {
    const inside = (at) => Math.min(side - 1, Math.max(0, at));
    set({ row: inside(row), column: inside(column) });
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const by = event.shiftKey ? 10 : 1;
    const move = { ArrowLeft: [0, -by], ArrowRight: [0, by], ArrowUp: [-by, 0], ArrowDown: [by, 0] }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    look(model.get("row") + move[0], model.get("column") + move[1]);
  }

  function onPointer(event) {
    const frame = event.currentTarget.getBoundingClientRect();
    look(Math.floor(((event.clientY - frame.top) / frame.height) * side), Math.floor(((event.clientX - frame.left) / frame.width) * side));
  }

  // Life
  const redraw = coalesce(draw);
  const watched = ["photo", "weights", "operation", "divide", "view", "quiz", "question", "answer"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  model.on("change:row change:column", drawMarks);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const name of watched) model.off(`change:${name}`, redraw);
    model.off("change:row change:column", drawMarks);
  };
}

export default { render: renderPlayground };
