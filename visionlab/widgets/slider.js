// One slider with its name and its value.
import { darkTheme, html, setter, slider, watch } from "./drawing.js";

function renderSlider({ model, el }) {
  const set = setter(model);
  const made = slider({ control: "value", label: model.get("description"), onInput: (value) => set({ value }) });
  made.element.querySelector("input").step = model.get("step");
  const root = html("div", { class: "vl-explorer vl-alone" }, made.element);
  el.append(root);

  const show = () => made.show(model.get("value"), model.get("min"), model.get("max"));
  model.on("change:value", show);
  show();
  return watch(root, () => root.isConnected && darkTheme(root)); // the page may take it in later
}

export default { render: renderSlider };
