// The computation graph: drawn as `describe` in Python has laid it out, and stepped through, with a guess at each gradient.
import { button, coalesce, darkTheme, html, ICONS, setter, svg, text, watch } from "./drawing.js";

const GAP = [80, 110]; // least and most pixels between two layers: room for a number
const SMALLEST = 0.8; // a wide graph is drawn this much smaller, before it has to be scrolled
const MARGIN = 14;
const TAIL = 70; // the arrow at the end, and its number
const DOWN = 84; // pixels a row
const HALF = 17; // half a node's height

/** A number as somebody may type it: with a proper minus sign, a comma, or as a fraction. */
function readNumber(words) {
  const plain = words.trim().replace(/−/g, "-").replace(",", ".");
  const fraction = plain.match(/^(-?[\d.]+)\s*\/\s*([\d.]+)$/);
  return fraction ? Number(fraction[1]) / Number(fraction[2]) : plain === "" ? NaN : Number(plain);
}

const close = (a, b) => Math.abs(a - b) <= Math.max(0.005 * Math.abs(b), b ? 0.0005 : 1e-9);

function renderGraph({ model, el }) {
  const graph = () => model.get("graph");
  const step = () => model.get("step");
  const forwardSteps = () => graph().operations.length;
  const steps = () => forwardSteps() + 1 + graph().edges.length;
  const set = setter(model);
  let asked = false; // whether the question for the next gradient is open
  let tries = 0;
  let said = "";

  // Controls
  const uid = Math.random().toString(36).slice(2);
  const field = (id, label, kind, attributes) => {
    const input = html("input", {
      id: `vl-${id}-${uid}`,
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      "data-control": id,
      "data-lm-suppress-shortcuts": "true",
      ...attributes,
    });
    return [html("div", { class: `vl-field ${kind}` }, html("label", { for: input.id }, label), input), input];
  };
  const enter = (action) => (event) => event.key === "Enter" && action();
  const [expressionField, expression] = field("expression", "expression", "vl-expression", {
    change: () => set({ typed: { expression: expression.value, at: Date.now() } }),
    keydown: enter(() => expression.blur()),
  });
  const numbers = html("div", { class: "vl-bar" });
  const forward = button({
    control: "forward",
    label: "Forward step",
    icon: ICONS.step,
    onClick: () => move(Math.min(step() + 1, forwardSteps())),
  });
  const backward = button({ control: "backward", label: "Backward step", icon: ICONS.back, onClick: goBackward });
  const undo = button({ control: "undo", label: "Undo", onClick: () => move(Math.max(step() - 1, 0)) });
  const reset = button({ control: "reset", label: "Reset", icon: ICONS.start, onClick: () => move(0) });
  const all = button({ control: "all", label: "Show all", onClick: () => move(steps()) });
  const predict = html("input", {
    id: `vl-predict-${uid}`,
    type: "checkbox",
    "data-control": "predict",
    "data-lm-suppress-shortcuts": "true",
    change: () => set({ predict: predict.checked }),
  });
  const [guessField, guess] = field("guess", "your guess", "vl-number", { keydown: enter(answer) });
  const tell = button({ control: "answer", label: "Check", onClick: answer });
  const give = button({ control: "tell", label: "Tell me", onClick: () => passOn(false) });
  const question = html("p", { "data-question": "" });
  const questionBox = html("div", { class: "vl-question", hidden: true }, question, guessField, tell.element, give.element);

  const picture = svg("svg", { role: "group" }); // no img: its nodes are buttons
  const stage = html("div", { class: "vl-stage" }, picture);
  const status = html("p", { class: "vl-said", role: "status", "aria-live": "polite", "data-said": "" });
  const details = html("div", { "data-details": "" });
  const problem = html("p", { role: "alert", "data-problem": "" });
  const root = html(
    "div",
    { class: "vl-explorer vl-graph", role: "group", "aria-label": "Computation graph" },
    html("div", { class: "vl-bar" }, expressionField),
    numbers,
    problem,
    html(
      "div",
      { class: "vl-bar" },
      forward.element,
      backward.element,
      undo.element,
      reset.element,
      all.element,
      html("label", { for: predict.id }, predict, " ask me first"),
    ),
    stage,
    questionBox,
    status,
    details,
  );
  el.append(root);

  function move(to) {
    asked = false;
    said = "";
    set({ step: to });
  }

  function goBackward() {
    if (step() < forwardSteps() || step() >= steps()) return;
    if (step() === forwardSteps()) {
      said = `The result changes exactly as fast as itself: its gradient is 1.`;
      set({ step: step() + 1 });
    } else if (model.get("predict") && !asked) {
      asked = true;
      tries = 0;
      said = "";
      draw();
      guess.value = "";
      guess.focus();
    } else passOn(false);
  }

  const nextEdge = () => graph().edges[step() - forwardSteps() - 1];

  function answer() {
    const edge = nextEdge();
    const number = readNumber(guess.value);
    if (!asked || !edge) return;
    if (Number.isNaN(number)) {
      said = "Type a number, such as −4 or 0.5.";
    } else if (close(number, edge.downstream)) return passOn(true);
    else {
      tries += 1;
      const known = edge.mistakes.find(([value]) => close(number, value));
      said = `${guess.value} is not it. ${known ? known[1] : "Multiply the local gradient by the upstream gradient."}`;
    }
    draw();
  }

  function passOn(right) {
    const edge = nextEdge();
    if (!edge) return;
    const [first, total] = model.get("tally");
    const tally = asked ? [first + (right && tries === 0 ? 1 : 0), total + 1] : [first, total];
    const upstream = graph().nodes[edge.to].gradientSaid;
    said = `${right ? "Right. " : ""}${edge.rule}: ${edge.localSaid} × ${upstream} = ${edge.said}.`;
    const typing = questionBox.contains(document.activeElement);
    asked = false;
    set({ step: step() + 1, tally });
    if (typing) backward.element.focus({ preventScroll: true }); // the question is gone, the keyboard shouldn't be
  }

  // Drawing
  function draw() {
    darkTheme(root);
    const g = graph();
    const done = Math.max(0, step() - forwardSteps()); // backward steps made, the result's own first
    const known = new Set(g.operations.slice(0, step()));
    g.nodes.forEach((node, at) => node.variable && known.add(at));
    const current = step() < forwardSteps() ? g.operations[step()] : -1;
    const room = stage.clientWidth || 900;
    const halves = g.nodes.map((node) => Math.max(20, 5 * node.label.length + 12));
    const widest = Array(g.layers).fill(20); // half of the widest node in each layer
    g.nodes.forEach((node, at) => (widest[node.layer] = Math.max(widest[node.layer], halves[at])));
    const filled = 2 * MARGIN + TAIL + widest.reduce((sum, half) => sum + 2 * half, 0);
    const gap = Math.min(GAP[1], Math.max(GAP[0], (room - filled) / Math.max(1, g.layers - 1)));
    const centres = [MARGIN + widest[0]];
    for (let i = 1; i < g.layers; i++) centres.push(centres[i - 1] + widest[i - 1] + gap + widest[i]);
    const width = filled + gap * (g.layers - 1);
    const height = DOWN * (g.height + 1) + 26;
    const place = (layer, up) => [centres[layer], 22 + DOWN * (up + 0.4)];
    const spots = g.nodes.map((node) => place(node.layer, node.height));
    const shapes = [];
    g.edges.forEach((edge, number) => {
      const start = spots[edge.from];
      const end = spots[edge.to];
      const ends = [
        [start[0] + halves[edge.from], start[1]],
        ...edge.bends.map(([layer, up]) => place(layer, up)),
        [end[0] - halves[edge.to] - 7, end[1]],
      ];
      const lift = edge.twin ? (edge.slot ? 26 : -26) : 0;
      let path = `M${ends[0]}`;
      for (let i = 1; i < ends.length; i++) {
        const bow = 0.45 * (ends[i][0] - ends[i - 1][0]);
        path += `C${ends[i - 1][0] + bow} ${ends[i - 1][1] + lift} ${ends[i][0] - bow} ${ends[i][1] + lift} ${ends[i]}`;
      }
      const now = asked && number === done - 1;
      shapes.push(svg("path", { d: path, class: `vl-edge${now ? " vl-edge-now" : ""}` }));
      const [x, y] = ends.at(-1);
      shapes.push(svg("path", { d: `M${x + 7} ${y}l-9 -4.5v9z`, class: "vl-tip" }));
      // Numbers keep clear of the end where other edges are close; where several begin they stand in the middle.
      const [near, far] = ends;
      const [over, down, raised] = g.nodes[edge.from].consumers.length > 1 ? [0.5, 0.5, 0.75] : [gap < 100 ? 0.47 : 0.39, 0.3, 0.69];
      const middle = [near[0] + over * (far[0] - near[0]), near[1] + down * (far[1] - near[1]) + raised * lift];
      if (known.has(edge.from)) shapes.push(text(middle[0], middle[1] - 7, g.nodes[edge.from].said, "vl-above"));
      if (number < done - 1) shapes.push(text(middle[0], middle[1] + 17, edge.said, "vl-below"));
      else if (now) shapes.push(text(middle[0], middle[1] + 17, "?", "vl-below vl-asked"));
    });
    const last = g.nodes.length - 1;
    const [endX, endY] = spots[last];
    const tail = endX + halves[last];
    shapes.push(svg("path", { d: `M${tail} ${endY}h52`, class: "vl-edge" }));
    shapes.push(svg("path", { d: `M${tail + 58} ${endY}l-9 -4.5v9z`, class: "vl-tip" }));
    if (known.has(last)) shapes.push(text(tail + 28, endY - 7, g.nodes[last].said, "vl-above"));
    if (done) shapes.push(text(tail + 28, endY + 17, "1", "vl-below"));
    g.nodes.forEach((node, at) => {
      const [x, y] = spots[at];
      const picked = at === model.get("selected");
      const kind = `vl-node${node.variable ? " vl-variable" : ""}${at === current ? " vl-now" : ""}${picked ? " vl-picked" : ""}`;
      const shape = { x: x - halves[at], y: y - HALF, width: 2 * halves[at], height: 2 * HALF, rx: HALF };
      const select = () => set({ selected: picked ? -1 : at });
      const words = svg(
        "g",
        {
          class: kind,
          "data-node": at,
          tabindex: 0,
          role: "button",
          "aria-pressed": String(picked),
          "aria-label": `${node.name}, ${known.has(at) ? node.said : "not computed yet"}`,
          "data-lm-suppress-shortcuts": "true",
          click: select,
          keydown: (event) => {
            if (event.key !== "Enter" && event.key !== " ") return;
            event.preventDefault();
            select();
          },
        },
        svg("rect", shape),
        text(x, y, node.label),
      );
      shapes.push(words);
      if (node.named && !node.variable) shapes.push(text(x, y - HALF - 6, node.name, "vl-name", { "text-anchor": "middle" }));
      const arrived = node.consumers.filter((i) => i < done - 1).length;
      if (node.consumers.length > 1 && arrived === node.consumers.length)
        shapes.push(text(x, y + HALF + 16, `sum ${node.gradientSaid}`, "vl-below"));
    });
    const held = picture.contains(document.activeElement) ? document.activeElement.dataset.node : null;
    picture.replaceChildren(...shapes);
    if (held !== null) picture.querySelector(`[data-node="${held}"]`)?.focus({ preventScroll: true });
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("width", Math.min(width, Math.max(room, SMALLEST * width)));
    picture.setAttribute("aria-label", `Computation graph of ${model.get("expression")}, step ${step()} of ${steps()}`);
    showControls(current, done);
    showDetails(known, done);
  }

  function showControls(current, done) {
    const g = graph();
    forward.element.disabled = step() >= forwardSteps();
    backward.element.disabled = step() < forwardSteps() || step() >= steps() || asked;
    undo.element.disabled = reset.element.disabled = step() === 0;
    all.element.disabled = step() >= steps();
    predict.checked = model.get("predict");
    questionBox.hidden = !asked;
    const edge = asked ? nextEdge() : null;
    if (edge) {
      const [to, from] = [g.nodes[edge.to], g.nodes[edge.from]];
      question.textContent =
        `Through “${to.label}” (${to.sum} = ${to.said}) the upstream gradient ${to.gradientSaid} arrives. ` +
        `Which gradient goes downstream to ${from.name}${edge.twin ? `, ${edge.slot ? "second" : "first"} use` : ""}?`;
    }
    const [right, total] = model.get("tally");
    const score = total ? ` (${right} of ${total} guessed at the first try.)` : "";
    if (said) status.textContent = said;
    else if (current >= 0) {
      const node = g.nodes[current];
      status.textContent = `Forward: next is ${node.name}. What is ${node.sum}?`;
    } else if (!done) status.textContent = `Forward is done: ${g.result} = ${g.nodes.at(-1).said}. Now backward.`;
    else if (step() >= steps()) {
      const found = g.nodes.filter((node) => node.variable).map((node) => `${node.label}: ${node.gradientSaid}`);
      status.textContent = `All gradients are known. ${found.join(", ")}.${score}`;
    } else status.textContent = asked ? "" : "Backward: one gradient for each edge.";
  }

  function showDetails(known, done) {
    const g = graph();
    const at = model.get("selected");
    if (at < 0) return details.replaceChildren(html("p", {}, "Choose a node for its gradients in words."));
    const node = g.nodes[at];
    const lines = [];
    lines.push(known.has(at) ? `value ${node.sum ? `${node.sum} = ` : ""}${node.said}` : "value: not computed yet");
    const heard = node.consumers.filter((i) => i < done - 1);
    const end = at === g.nodes.length - 1;
    if (end ? done : heard.length === node.consumers.length && heard.length) {
      const parts = heard.map((i) => g.edges[i].said);
      lines.push(`upstream gradient ${parts.length > 1 ? `${parts.join(" + ")} = ` : ""}${node.gradientSaid}`);
    } else lines.push(`upstream gradient: ${heard.length} of ${node.consumers.length || 1} parts have arrived`);
    for (const i of node.inputs) {
      const edge = g.edges[i];
      if (i < done - 1)
        lines.push(
          `to ${g.nodes[edge.from].name}: ${edge.rule}; local ${edge.localSaid} × upstream ${node.gradientSaid} = downstream ${edge.said}`,
        );
    }
    details.replaceChildren(
      html("p", {}, `Node ${node.name}:`),
      html("ul", {}, ...lines.map((line) => html("li", {}, line))),
    );
  }

  function showInputs() {
    if (document.activeElement !== expression) expression.value = model.get("expression");
    const focused = numbers.contains(document.activeElement) ? document.activeElement.dataset.control : "";
    const boxes = Object.entries(model.get("values")).map(([name, value]) => {
      const [box, input] = field(`value-${name}`, name, "vl-number", {
        inputmode: "decimal",
        change: () => {
          const number = readNumber(input.value);
          input.setAttribute("aria-invalid", String(Number.isNaN(number)));
          if (!Number.isNaN(number)) {
            const changed = { ...model.get("values"), [name]: number };
            set({ typed: { values: changed, at: Date.now() } });
          }
        },
      });
      input.value = String(value).replace("-", "−");
      return box;
    });
    numbers.replaceChildren(...boxes);
    // Who types one number and goes on to the next stays there.
    if (focused) numbers.querySelector(`[data-control="${focused}"]`)?.select();
    const wrong = model.get("error");
    problem.textContent = wrong;
    problem.hidden = !wrong;
    expression.setAttribute("aria-invalid", String(Boolean(wrong)));
  }

  const redraw = () => {
    showInputs();
    draw();
  };
  const renewed = () => {
    asked = false;
    said = "";
    redraw();
  };
  const listeners = { graph: renewed, values: showInputs, error: showInputs };
  for (const name of ["step", "selected", "predict", "tally"]) listeners[name] = draw;
  for (const [name, listener] of Object.entries(listeners)) model.on(`change:${name}`, listener);
  const stopWatching = watch(root, draw);
  coalesce(redraw)(); // in the next frame, when the page has taken it in and its colours are known
  return () => {
    stopWatching();
    for (const [name, listener] of Object.entries(listeners)) model.off(`change:${name}`, listener);
  };
}

export default { render: renderGraph };
