// What a page does beside being read: theme, contents on small screens, search, copying code, and keyboard scrolling.

const root = document.body.dataset.root;
const $ = (id) => document.getElementById(id);

// Theme
const theme = $("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
const showTheme = () => theme.setAttribute("aria-pressed", isDark());
theme.addEventListener("click", () => {
  const chosen = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  try {
    localStorage.setItem("theme", chosen);
  } catch {
    // Not kept: it holds for this page.
  }
  showTheme();
});
system.addEventListener("change", showTheme);
showTheme();

// Contents on small screens
$("menu").addEventListener("click", () => {
  const open = $("contents").classList.toggle("open");
  $("menu").setAttribute("aria-expanded", open);
});
document.querySelector(".contents [aria-current]")?.scrollIntoView({ block: "center" });

// Where the reader is
const links = [...document.querySelectorAll(".headings a")];
const targets = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
function showPlace() {
  const passed = targets.findLastIndex((target) => target.getBoundingClientRect().top < innerHeight / 4);
  const chapter = links.findLastIndex((link, i) => i <= passed && link.parentElement.className.includes("level-2"));
  let within = false;
  links.forEach((link, i) => {
    if (link.parentElement.classList.contains("level-2")) within = i === chapter;
    link.parentElement.classList.toggle("near", within);
    if (i === passed) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
}
if (links.length) {
  let asked = false;
  addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      showPlace();
    });
  });
  showPlace();
}

// A link to each heading, for those who want to pass it on; for the keyboard there is the list at the side.
for (const heading of document.querySelectorAll(".text :is(h2, h3)[id]")) {
  const link = document.createElement("a");
  link.className = "here";
  link.href = `#${encodeURIComponent(heading.id)}`;
  link.textContent = "#";
  link.tabIndex = -1;
  link.ariaHidden = "true";
  heading.append(link);
}

// Copying
if (navigator.clipboard)
  for (const code of document.querySelectorAll("article pre.code")) {
    const holder = document.createElement("div");
    holder.className = "holder";
    code.replaceWith(holder);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code.innerText);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    holder.append(code, button);
  }

// What is too wide scrolls, and then by keyboard too.
const wide = new ResizeObserver((seen) => {
  for (const { target } of seen)
    if (target.scrollWidth > target.clientWidth) {
      target.tabIndex = 0;
      target.role = "group";
      target.ariaLabel = target.matches(".code") ? "Code" : target.matches(".output") ? "Output" : "Table or formula";
    } else for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name);
});
for (const part of document.querySelectorAll("main :is(pre, .table, .made, .formula)")) wide.observe(part);

// Search: loaded when it is first wanted.
const query = $("query");
const load = (name) =>
  new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = `${root}assets/${name}`;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
let engine;
async function index() {
  await Promise.all([load("minisearch.js"), load("entries.js")]);
  const made = new MiniSearch({
    fields: ["title", "page", "text", "code"],
    storeFields: ["url", "page", "title", "text"],
    searchOptions: {
      boost: { title: 4, page: 2, code: 0.5 },
      boostDocument: (id) => (window.entries[id].url.startsWith("lectures") ? 1.5 : 1),
      combineWith: "AND",
      prefix: true,
      fuzzy: (word) => (word.length > 5 ? 0.15 : false),
    },
  });
  made.addAll(window.entries.map((entry, id) => ({ id, ...entry })));
  return made;
}
const ready = () => (engine ??= index());

/** A line of the text around the first word found; what was found is marked. */
function excerpt({ text, terms }) {
  const words = new RegExp(`(${terms.map((word) => word.replace(/[^\p{L}\p{N}]/gu, "\\$&")).join("|")})`, "iu");
  const at = text.search(words);
  const start = at < 60 ? 0 : text.indexOf(" ", at - 50) + 1;
  const line = document.createElement("span");
  const shown = `${start ? "… " : ""}${text.slice(start, start + 150)}${start + 150 < text.length ? " …" : ""}`;
  for (const [i, part] of shown.split(new RegExp(words, "giu")).entries()) {
    if (i % 2) line.append(Object.assign(document.createElement("mark"), { textContent: part }));
    else line.append(part);
  }
  return line;
}

async function search() {
  const words = query.value.trim();
  const searching = await ready();
  if (words !== query.value.trim()) return; // typed on meanwhile
  const found = words ? searching.search(words) : [];
  $("found").hidden = !words;
  $("counted").textContent = found.length > 12 ? `${found.length} places, the best 12:` : `${found.length} places`;
  $("hits").replaceChildren(
    ...found.slice(0, 12).map((hit) => {
      const link = Object.assign(document.createElement("a"), { href: root + hit.url });
      const title = document.createElement("b");
      title.textContent = hit.title === hit.page ? hit.page : `${hit.page}: ${hit.title}`;
      link.append(title, excerpt(hit));
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
}
const close = () => ($("found").hidden = true);
query.addEventListener("focus", ready);
query.addEventListener("input", search);
query.addEventListener("focus", () => query.value && search());
document.addEventListener("keydown", (event) => {
  const hits = [...$("hits").querySelectorAll("a")];
  const at = hits.indexOf(document.activeElement);
  const isWithin = document.activeElement === query || at >= 0;
  if (event.key === "/" && !event.target.matches("input, textarea, select")) query.focus();
  else if (event.key === "Escape" && isWithin) {
    query.focus();
    close();
  } else if (event.key === "ArrowDown" && isWithin) hits[Math.min(at + 1, hits.length - 1)]?.focus();
  else if (event.key === "ArrowUp" && at >= 0) (hits[at - 1] ?? query).focus();
  else if (event.key === "Enter" && document.activeElement === query && hits.length) hits[0].click();
  else return;
  event.preventDefault();
});
document.querySelector(".search").addEventListener("focusout", (event) => {
  if (!event.currentTarget.contains(event.relatedTarget)) close();
});
