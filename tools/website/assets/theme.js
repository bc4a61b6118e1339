// Runs before the page is drawn, so that a reader who chose a theme never sees the other one.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing for this site: the system's theme is used.
}
document.documentElement.classList.add("js");
