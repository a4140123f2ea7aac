// For a projector: the page fills the screen with large type, all of it or one panel at a time.

import { refresh } from "./state.js";
import { words } from "./words.js";

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const VIEWS = ["all", "digit", "pairs", "where"];
// What each view is laid out on, in CSS pixels; it is enlarged until it fills the screen.
const SHEETS = { all: [1280, 708], digit: [920, 500], pairs: [960, 520], where: [960, 496] };

let view = null;

const stops = VIEWS.map((name, k) => {
  const button = Object.assign(document.createElement("button"), { type: "button" });
  button.dataset.testid = `present-${name}`;
  button.setAttribute("aria-keyshortcuts", String(k + 1));
  button.addEventListener("click", () => go(name));
  at("present-views").append(button);
  return button;
});

function fit() {
  if (!view) return;
  const [width, height] = SHEETS[view];
  at("present-bar").style.zoom = Math.max(1, Math.min(window.innerWidth / SHEETS.all[0], window.innerHeight / SHEETS.all[1]));
  const bar = at("present-bar").getBoundingClientRect().height;
  const zoom = Math.min(window.innerWidth / width, (window.innerHeight - bar) / height);
  const main = document.querySelector("main");
  main.style.zoom = zoom;
  // With all on it, a wider sheet would be a higher one too: the map is a square.
  main.style.width = `${view === "all" ? width : window.innerWidth / zoom}px`;
  main.style.height = `${(window.innerHeight - bar) / zoom}px`;
}

function go(to) {
  view = to;
  if (view) root.dataset.present = view;
  else delete root.dataset.present;
  at("present-bar").hidden = !view;
  if (!view) document.querySelector("main").removeAttribute("style");
  showPresenting();
  fit();
  if (view && at("present-views").contains(document.activeElement)) stops[VIEWS.indexOf(view)].focus();
  // Canvases have another size now.
  refresh();
}

export function showPresenting() {
  const said = words();
  stops.forEach((stop, k) => {
    stop.textContent = said.views[VIEWS[k]];
    stop.setAttribute("aria-pressed", VIEWS[k] === view);
  });
}

/** Whether something else is done with the arrow keys here. */
function taken(event) {
  return event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea") || document.querySelector("dialog[open]");
}

document.addEventListener("keydown", (event) => {
  if (!view || taken(event)) return;
  const k = VIEWS.indexOf(view);
  const steps = { ArrowRight: k + 1, PageDown: k + 1, ArrowLeft: k - 1, PageUp: k - 1, Home: 0, End: VIEWS.length - 1 };
  const to = steps[event.key] ?? (/^[1-4]$/.test(event.key) ? Number(event.key) - 1 : null);
  if (event.key === "Escape") leave();
  else if (to !== null) {
    go(VIEWS[Math.min(Math.max(to, 0), VIEWS.length - 1)]);
    event.preventDefault();
  }
});

function leave() {
  go(null);
  if (document.fullscreenElement) document.exitFullscreen();
  at("present").focus();
}

at("present").addEventListener("click", () => {
  go("all");
  stops[0].focus();
  // Where a browser forbids it, the page fills the window.
  root.requestFullscreen?.().catch(() => {});
});
at("present-leave").addEventListener("click", leave);
document.addEventListener("fullscreenchange", () => {
  // The browser's own Escape leaves both.
  if (view && !document.fullscreenElement) leave();
});
window.addEventListener("resize", fit);
