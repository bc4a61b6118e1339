// Sliders above, two losses as bars below: hinge and softmax of three scores, or the triplet loss.
import { choice, coalesce, darkTheme, html, slider, watch } from "./drawing.js";

const SCALES = { classes: [0, 5, 10, 15, 20], triplet: [-400, -300, -200, -100, 0, 100, 200, 300] };

function renderLosses({ model, el }) {
  const triplet = model.get("kind") === "triplet";
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const controls = triplet
    ? [
        ["positive", "distance² to the positive", "", 0, 200],
        ["negative", "distance² to the negative", "", 0, 400],
        ["margin", "margin", "α", 0, 100],
      ].map(([name, label, symbol, least, most]) => ({ name, label, symbol, least, most, unit: 1 }))
    : model.get("classes").map((label, k) => ({ name: k, label: `score of ${label}`, least: -100, most: 100, unit: 10 }));
  for (const control of controls) {
    const onInput = (value) => {
      const now = value / control.unit;
      if (triplet) set(control.name, now);
      else set("scores", model.get("scores").map((score, k) => (k === control.name ? now : score)));
    };
    const id = triplet ? control.name : `score-${control.name}`;
    control.slider = slider({ control: id, label: control.label, symbol: control.symbol, onInput });
  }
  const correct = triplet
    ? null
    : choice({ control: "correct", label: "correct class", words: model.get("classes"), onInput: (word) => set("correct", word) });
  const bars = (triplet ? ["triplet loss", "without [ ]₊"] : ["hinge loss", "softmax loss"]).map((name, i) => {
    const fill = html("div", { class: "vl-fill", "data-second": i === 1 });
    const middle = html("div", { class: "vl-middle" });
    const value = html("b", { "data-bar": i });
    const track = html("div", { class: "vl-track", "aria-hidden": "true" }, fill, middle);
    return { fill, middle, value, track, element: html("div", { class: "vl-loss" }, html("span", {}, name), value, track) };
  });
  // All that the sliders can do to the triplet loss is on the scale; beyond it a bar ends in an arrow.
  const marks = SCALES[model.get("kind")];
  const [least, most] = [marks[0], marks.at(-1)];
  const share = (value) => (100 * (Math.max(least, Math.min(most, value)) - least)) / (most - least);
  const minus = (words) => words.replaceAll("-", "−");
  const scale = html(
    "div",
    { class: "vl-scale" },
    ...marks.map((mark) => html("span", { style: `left: ${share(mark)}%` }, minus(String(mark)))),
  );
  const words = html("p", { role: "status", "aria-live": "polite" });
  const root = html(
    "div",
    { class: "vl-explorer vl-roomy", role: "group", "aria-label": triplet ? "Triplet loss" : "Hinge and softmax loss" },
    html("div", { class: "vl-bar" }, ...controls.map((control) => control.slider.element), correct?.element),
    html("div", { class: "vl-losses" }, ...bars.map((bar) => bar.element), html("div", { class: "vl-loss", "aria-hidden": "true" }, html("i"), html("i"), scale)),
    words,
  );
  el.append(root);

  function losses() {
    if (triplet) {
      const z = model.get("positive") - model.get("negative") + model.get("margin");
      const said = z > 0 ? "The negative is too near: both losses push it away." : "The margin is kept: the triplet loss is content. Without its hinge it would go on pushing, for ever.";
      return { values: [Math.max(0, z), z], said };
    }
    const scores = model.get("scores");
    const at = model.get("classes").indexOf(model.get("correct"));
    const hinge = scores.reduce((sum, s, j) => sum + (j === at ? 0 : Math.max(0, s - scores[at] + 1)), 0);
    const top = Math.max(...scores);
    const powers = scores.map((s) => Math.exp(s - top));
    const total = powers.reduce((sum, power) => sum + power, 0);
    const shares = powers.map((power, k) => `${model.get("classes")[k]} ${(power / total).toFixed(2)}`);
    const terms = scores.map((s, j) => (j === at ? null : `max(0, ${(s - scores[at] + 1).toFixed(1)})`)).filter(Boolean);
    const said = `Hinge: ${terms.join(" + ")} = ${hinge.toFixed(2)}. Probabilities: ${shares.join(", ")}.`;
    return { values: [hinge, Math.log(total) - (scores[at] - top)], said: minus(said) };
  }

  function draw() {
    darkTheme(root);
    for (const { slider, name, least, most, unit } of controls) {
      const now = triplet ? model.get(name) : model.get("scores")[name];
      slider.show(Math.round(now * unit), least, Math.max(most, Math.ceil(now * unit)));
      slider.element.querySelector("output").textContent = minus(now.toFixed(1));
      slider.element.querySelector("input").setAttribute("aria-valuetext", now.toFixed(1));
    }
    correct?.show(model.get("correct"));
    const { values, said } = losses();
    values.forEach((value, i) => {
      const { fill, middle, value: label, track } = bars[i];
      if (value < least) track.dataset.beyond = "below";
      else if (value > most) track.dataset.beyond = "above";
      else delete track.dataset.beyond;
      fill.style.left = `${Math.min(share(0), share(value))}%`;
      fill.style.width = `${Math.abs(share(value) - share(0))}%`;
      middle.style.left = `${share(0)}%`;
      label.textContent = minus(value.toFixed(triplet ? 1 : 2));
    });
    words.textContent = said;
  }

  const redraw = coalesce(draw);
  model.on("change", redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    model.off("change", redraw);
  };
}

export default { render: renderLosses };
