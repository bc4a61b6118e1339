// The neighbours explorer: the training images nearest to a test image, and their vote. Python finds them.
import { button, choice, coalesce, darkTheme, html, setter, slider, watch } from "./drawing.js";

const DATA = [["mnist", "MNIST digits"], ["cifar10", "CIFAR-10 photos"], ["fashion_mnist", "Fashion-MNIST"]];

function renderNeighbours({ model, el }) {
  const set = setter(model);
  const go = (index) => set({ index: (index + 1000) % 1000 });

  // Controls
  const data = choice({ control: "data", label: "data", words: DATA, onInput: (word) => set({ data: word }) });
  const features = choice({
    control: "features",
    label: "compare",
    words: [["pixels", "pixels"], ["HOG", "HOG features"]],
    onInput: (word) => set({ features: word }),
  });
  const distance = choice({
    control: "distance",
    label: "distance",
    words: ["L2", "L1", "cosine"],
    onInput: (word) => set({ distance: word }),
  });
  const k = slider({ control: "k", label: "neighbours", symbol: "k", onInput: (n) => set({ k: n }) });
  const index = slider({ control: "index", label: "test image", onInput: (n) => set({ index: n }) });
  const previous = button({ control: "previous", label: "Previous", title: "The test image before", onClick: () => go(model.get("index") - 1) });
  const next = button({ control: "next", label: "Next", title: "The next test image", onClick: () => go(model.get("index") + 1) });
  const mistake = button({
    control: "mistake",
    label: "Next mistake",
    title: "The next test image that the vote gets wrong",
    onClick: () => model.send("next mistake"),
  });

  // What is shown
  const query = html("img", { alt: "" });
  const name = html("p");
  const near = html("ol", { class: "vl-near", "aria-label": "Nearest training images, nearest first" });
  const tally = html("div", { class: "vl-votes" });
  const said = html("p", { class: "vl-verdict vl-said", role: "status", "aria-live": "polite" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Nearest neighbours explorer" },
    html("div", { class: "vl-bar" }, data.element, features.element, distance.element, k.element),
    html("div", { class: "vl-bar" }, index.element, html("div", { class: "vl-transport" }, previous.element, next.element, mistake.element)),
    html(
      "div",
      { class: "vl-neighbours" },
      html("div", { class: "vl-query" }, html("h4", {}, "New image"), query, name, tally),
      html("div", { class: "vl-found" }, html("h4", {}, "Nearest training images"), near),
    ),
    said,
    html("p", { class: "vl-note" }, "Green frame: the same class as the new image. Orange frame: another class. Small numbers: the distance. A tie goes to the class of the nearest one."),
  );
  el.append(root);

  function draw() {
    darkTheme(root);
    data.show(model.get("data"));
    features.show(model.get("features"));
    distance.show(model.get("distance"));
    k.show(model.get("k"), 1, 25);
    index.show(model.get("index"), 0, 999);
    const state = model.get("_state");
    if (!state.neighbours) return;
    query.src = state.image;
    query.alt = `Test image ${state.index}: ${state.label}`;
    name.replaceChildren("label: ", html("b", {}, state.label));
    near.replaceChildren(
      ...state.neighbours.map((one) =>
        html(
          "li",
          { "data-same": String(one.label === state.label) },
          html("img", { src: one.image, alt: "" }),
          one.label,
          html("small", {}, one.distance.toPrecision(3)),
        ),
      ),
    );
    const most = Math.max(...state.votes);
    const bars = state.votes.map((votes, i) => [votes, state.classes[i]]).filter(([votes]) => votes);
    bars.sort((a, b) => b[0] - a[0]);
    tally.replaceChildren(
      ...bars.flatMap(([votes, label]) => {
        const bar = html("i", { "data-same": String(label === state.label) });
        bar.style.width = `${(100 * votes) / most}%`;
        return [html("span", {}, label), bar, html("span", {}, votes)];
      }),
    );
    const count = state.neighbours.length;
    const words = `${most} of ${count} ${count === 1 ? "vote" : "votes"} for ${state.prediction}: `;
    const verdict = state.right ? "✓ right" : `✗ wrong, it is ${state.label}`;
    const all = `Test image ${state.index}. ${words}${verdict}`;
    if (said.textContent !== all) said.replaceChildren(`Test image ${state.index}. ${words}`, html("b", {}, verdict));
    said.dataset.right = state.right;
    said.dataset.student = state.right ? "right" : "wrong"; // the colour of the bar beside it
  }

  // Life
  const redraw = coalesce(draw);
  const watched = ["data", "index", "k", "distance", "features", "_state"];
  for (const trait of watched) model.on(`change:${trait}`, redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    for (const trait of watched) model.off(`change:${trait}`, redraw);
  };
}

export default { render: renderNeighbours };
