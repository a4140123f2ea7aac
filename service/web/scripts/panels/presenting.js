// For a projector: the page fills the screen with large type, all of it or one panel at a time.

import { button, byId, enlargement, onScreen, stepBy, words } from "../shared.js";
import { set, state } from "../state.js";

const root = document.documentElement;
export const VIEWS = ["all", "digit", "pairs", "where"];
// A phone is no projector.
const NARROWEST = 641;
// What each view is laid out on, in CSS pixels; it is enlarged until it fills the screen.
const SHEETS = { all: [1280, 708], digit: [940, 500], pairs: [960, 520], where: [960, 496] };

// What moves into the bar, its sheet of pictures and the view, each with the place it has on the page.
const MOVED = { tagline: "present-tagline", network: "present-network", "beside-field": "present-beside", stock: "present-stock" };
const homes = Object.fromEntries(Object.keys(MOVED).map((id) => [id, { parent: byId(id).parentElement, next: byId(id).nextElementSibling }]));

// Whether a file is being chosen: for that, a browser leaves the full screen by itself.
let choosing = false;

const stops = VIEWS.map((name, k) => {
  const stop = button({ pressed: () => go(name), "data-testid": `present-${name}`, "aria-keyshortcuts": k + 1 });
  byId("present-views").append(stop);
  return stop;
});

function move(id, away) {
  const { parent, next } = homes[id];
  const [to, before] = away ? [byId(MOVED[id]), null] : [parent, next];
  if (byId(id).parentElement !== to) to.insertBefore(byId(id), before);
}

function fit() {
  const view = state.present;
  if (!view) return;
  const [width, height] = SHEETS[view];
  byId("present-bar").style.zoom = byId("present-stock").style.zoom = enlargement(SHEETS.all);
  const bar = onScreen(byId("present-bar")).height;
  const zoom = Math.min(window.innerWidth / width, (window.innerHeight - bar) / height);
  const main = document.querySelector("main");
  main.style.zoom = zoom;
  // With all on it, a wider sheet would be a higher one too: the map is a square.
  main.style.width = `${view === "all" ? width : window.innerWidth / zoom}px`;
  main.style.height = `${(window.innerHeight - bar) / zoom}px`;
}

function go(to) {
  set({ present: to });
  if (to) root.dataset.present = to;
  else delete root.dataset.present;
  byId("present-bar").hidden = !to;
  for (const id of ["tagline", "network", "beside-field"]) move(id, to);
  // Beside everything else, the pictures have room on the sheet itself.
  const apart = to && to !== "all";
  if (!apart) byId("present-stock").hidePopover();
  move("stock", apart);
  byId("present-picture").hidden = !apart;
  if (!to) document.querySelector("main").removeAttribute("style");
  showPresenting();
  fit();
  if (to && byId("present-views").contains(document.activeElement)) stops[VIEWS.indexOf(to)].focus();
}

/** Show what a link says: a view, or the page. */
export function present(view) {
  const to = window.innerWidth < NARROWEST ? null : view;
  if (to !== state.present) go(to);
}

export function showPresenting() {
  const said = words();
  stops.forEach((stop, k) => {
    stop.textContent = said.views[VIEWS[k]];
    stop.setAttribute("aria-pressed", VIEWS[k] === state.present);
  });
  byId("present-link").disabled = !state.answer;
}

/** Whether something else is done with the arrow keys here. */
function taken(event) {
  return event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea") || document.querySelector("dialog[open], :popover-open");
}

document.addEventListener("keydown", (event) => {
  if (!state.present || taken(event)) return;
  const to = /^[1-4]$/.test(event.key) ? Number(event.key) - 1 : stepBy(event.key, VIEWS.indexOf(state.present), VIEWS.length);
  if (event.key === "Escape") leave();
  else if (to !== null) {
    go(VIEWS[to]);
    event.preventDefault();
  }
});

function leave() {
  go(null);
  if (document.fullscreenElement) document.exitFullscreen();
  byId("present").focus();
}

byId("present").addEventListener("click", () => {
  go("all");
  stops[0].focus();
  // Where a browser forbids it, the page fills the window.
  root.requestFullscreen?.().catch(() => {});
});
byId("present-leave").addEventListener("click", leave);
byId("file").addEventListener("click", () => (choosing = true));
for (const end of ["change", "cancel"]) byId("file").addEventListener(end, () => (choosing = false));
// Whoever has chosen a picture looks at what is read.
byId("present-stock").addEventListener("click", (event) => event.target.closest(".samples button") && byId("present-stock").hidePopover());
byId("file").addEventListener("change", () => byId("present-stock").hidePopover());
document.addEventListener("fullscreenchange", () => {
  // The browser's own Escape leaves both.
  if (state.present && !document.fullscreenElement && !choosing) leave();
});
window.addEventListener("resize", fit);
