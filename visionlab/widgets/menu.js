// A menu with its name.
import { choice, darkTheme, html, setter, watch } from "./drawing.js";

function renderMenu({ model, el }) {
  const set = setter(model);
  const made = choice({ control: "value", label: model.get("description"), words: model.get("options"), onInput: (value) => set({ value }) });
  const root = html("div", { class: "vl-explorer vl-alone" }, made.element);
  el.append(root);

  const show = () => made.show(model.get("value"));
  model.on("change:value", show);
  show();
  return watch(root, () => root.isConnected && darkTheme(root)); // the page may take it in later
}

export default { render: renderMenu };
