// Weights of a fully connected layer and of a convolution, as bars on a scale of powers of ten.
import { coalesce, darkTheme, html, setter, slider, watch } from "./drawing.js";

const MOST = 15; // the scale ends at 10^15

/** Weights of the two layers, biases not counted. */
export function layerWeights(side, maps, kernel) {
  return [side * side * 3 * side * side * maps, kernel * kernel * 3 * maps];
}

/** Bytes, as one would say it. */
export function memory(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let at = 0;
  for (; bytes >= 1000 && at < units.length - 1; at++) bytes /= 1000;
  return `${Number(bytes.toPrecision(3)).toLocaleString("en")} ${units[at]}`;
}

function renderSizes({ model, el }) {
  const set = setter(model);
  const { sides, kernels } = model.get("_offer");
  const side = slider({ control: "side", label: "side of the image", onInput: (at) => set({ side: sides[at] }) });
  const maps = slider({ control: "maps", label: "maps that come out", onInput: (value) => set({ maps: value }) });
  const kernel = slider({ control: "kernel", label: "kernel of the convolution", onInput: (at) => set({ kernel: kernels[at] }) });
  const bars = ["fully connected", "convolution"].map((name, i) => {
    const value = html("b", { "data-weights": i });
    const fill = html("i", { "data-full": i === 0, "aria-hidden": "true" });
    return { name, value, fill };
  });
  const said = html("p", { role: "status", "aria-live": "polite" });
  const root = html(
    "div",
    { class: "vl-explorer", role: "group", "aria-label": "Weights of two layers" },
    html("div", { class: "vl-bar" }, side.element, maps.element, kernel.element),
    html("div", { class: "vl-sizes" }, ...bars.flatMap(({ name, value, fill }) => [html("span", {}, name), html("div", {}, value, fill)])),
    said,
    html("p", { class: "vl-note" }, "The bars have a scale of powers of ten, up to 10¹⁵. Biases are not counted; a weight takes 4 bytes."),
  );
  el.append(root);

  function draw() {
    darkTheme(root);
    const now = { side: model.get("side"), maps: model.get("maps"), kernel: model.get("kernel") };
    const show = (control, all, value, words) => {
      control.show(all.indexOf(value), 0, all.length - 1);
      control.element.querySelector("output").textContent = words;
      control.element.querySelector("input").setAttribute("aria-valuetext", words);
    };
    show(side, sides, now.side, `${now.side}×${now.side}`);
    show(kernel, kernels, now.kernel, `${now.kernel}×${now.kernel}`);
    maps.show(now.maps, 1, 64);
    const weights = layerWeights(now.side, now.maps, now.kernel);
    weights.forEach((count, i) => {
      bars[i].value.textContent = `${count.toLocaleString("en")} weights, ${memory(4 * count)}`;
      bars[i].fill.style.setProperty("--vl-part", `${(100 * Math.log10(count)) / MOST}%`);
    });
    const times = Number((weights[0] / weights[1]).toPrecision(2)).toLocaleString("en");
    said.textContent = `From ${now.side}×${now.side} pixels in three colours to ${now.maps} map${now.maps > 1 ? "s" : ""} of the same size: fully connected needs ${times} times as many weights.`;
  }

  const redraw = coalesce(draw);
  model.on("change:side change:maps change:kernel", redraw);
  const unwatch = watch(root, redraw);
  return () => {
    unwatch();
    model.off("change:side change:maps change:kernel", redraw);
  };
}

export default { render: renderSizes };
