// What all parts of the page share: its words in two languages, what it remembers, its elements, and what keys and pointers mean.

import { clip, number } from "./answers/numbers.js";
import en from "./words/en.js";
import ja from "./words/ja.js";

const LANGUAGES = { en, ja };
const LANGUAGE = "konkyo-language";
// The elements of drawings that the page makes are of another namespace.
const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "path"]);
// What each arrow key means, as [down, right].
export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** What is remembered in `store`, from one visit to the next; a browser may forbid it, and then nothing is. */
export function remembered(key, store = "localStorage") {
  try {
    return window[store].getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value, store = "localStorage") {
  try {
    window[store].setItem(key, value);
  } catch {
    // Then the choice holds for this visit.
  }
}

function preferred() {
  const kept = remembered(LANGUAGE);
  if (kept in LANGUAGES) return kept;
  const known = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
  return known ?? "en";
}

let current = preferred();

/** The words of the language. */
export function words() {
  return LANGUAGES[current];
}

/** The language that the toggle offers: its name, in itself, and its tag. */
export function other() {
  const tag = current === "en" ? "ja" : "en";
  return { tag, name: LANGUAGES[tag].language };
}

/** Speak the language of a tag, if there is one; what is chosen by hand is remembered. */
export function speak(tag, chosen = false) {
  if (!Object.hasOwn(LANGUAGES, tag)) return;
  current = tag;
  if (chosen) remember(LANGUAGE, tag);
  write();
}

/** Write the words of all elements that carry a key, as text or as a label. */
export function write() {
  document.documentElement.lang = current;
  byId("lesson").href = `/web/lesson/${current}.html`;
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = words()[one.dataset.word];
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", words()[one.dataset.label]);
  // What has only a picture says to a pointer what it does.
  for (const one of document.querySelectorAll(".icon")) one.title = one.ariaLabel;
}

export function byId(id) {
  return document.getElementById(id);
}

/** An element with its parts, elements and texts. `facts` are its class, or {pressed, …}: what is called when it is clicked, and attributes. */
export function element(name, facts = "", ...parts) {
  const one = DRAWN.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  const { pressed, ...attributes } = typeof facts === "string" ? { class: facts } : facts;
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  if (pressed) one.addEventListener("click", pressed);
  one.append(...parts.filter((part) => part !== "" && part !== null));
  return one;
}

export function button(facts, ...parts) {
  return element("button", { type: "button", ...(typeof facts === "string" ? { class: facts } : facts) }, ...parts);
}

/** A group of elements with a name. */
export function group(className, name, ...parts) {
  return element("div", { class: className, role: "group", "aria-label": name }, ...parts);
}

const letters = new OffscreenCanvas(1, 1).getContext("2d");

/** The size in pixels at which all these texts fit into a width: the largest possible, or the smallest even if one does not fit. */
export function letterSize(texts, width, [smallest, largest]) {
  letters.font = `600 100px ${getComputedStyle(document.documentElement).fontFamily}`;
  const widest = Math.max(...texts.map((text) => letters.measureText(text).width));
  return clip(Math.floor((200 * width) / widest) / 2, smallest, largest);
}

/** The parts of a name between which a line may break: between Japanese letters, anywhere. */
export function partsOfName(name) {
  return name.split(/[ -]|(?<=[^ -~])/).filter(Boolean);
}

/** Write a text, and only when it changes: a screen reader says it once, and nothing is laid out anew. */
export function writeText(one, text) {
  if (one.textContent !== text) one.textContent = text;
}

/** Of what is asked for one after the other the last alone counts: each call gives a function that says whether its own still is the last. */
export function latest() {
  let last = 0;
  return () => {
    const mine = (last += 1);
    return () => mine === last;
  };
}

/** Fill a list to choose from with [text, value]s, and only when they change: an open one would close. */
export function fillOptions(select, entries) {
  const now = [...select.options].map(({ text, value }) => [text, value]);
  if (JSON.stringify(now) !== JSON.stringify(entries.map((entry) => entry.map(String)))) select.replaceChildren(...entries.map(([text, value]) => new Option(text, value)));
}

/** Fill a list with a sum: [name, value]s, the last of which is the total. */
export function fillSum(list, terms, decimals) {
  const nodes = terms.map(([name, value], k) => {
    const total = k === terms.length - 1;
    const text = number(value, decimals);
    const sign = total ? "=" : text.startsWith("−") ? "−" : "+";
    // What is added and negative is subtracted.
    const shown = k > 0 ? [element("span", "sign", sign), " ", total ? text : text.replace("−", "")] : [text];
    return element("div", total ? "term total" : "term", element("dt", "", name), element("dd", "", ...shown));
  });
  list.replaceChildren(...nodes);
}

/** The step that a key leads to, of `count`, from step `now`; null where the key does not step. */
export function stepBy(key, now, count) {
  const to = { ArrowRight: now + 1, PageDown: now + 1, ArrowLeft: now - 1, PageUp: now - 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : clip(to, 0, count - 1);
}

/** How many times larger than it is laid out something is shown, to fill the screen; never smaller. */
export function enlargement([width, height]) {
  return Math.max(1, Math.min(window.innerWidth / width, window.innerHeight / height));
}

/** How many times larger an element is shown than it is laid out. */
export function zoomOf(one) {
  if (one === null) return 1;
  return one.currentCSSZoom ?? (getComputedStyle(one).zoom || 1) * zoomOf(one.parentElement);
}

/** Where an element is on the screen. WebKit, which has no `currentCSSZoom`, measures it as it is laid out. */
export function onScreen(one) {
  const { x, y, width, height } = one.getBoundingClientRect();
  const zoom = "currentCSSZoom" in one ? 1 : zoomOf(one);
  return new DOMRect(x * zoom, y * zoom, width * zoom, height * zoom);
}

/** How far down and across an element the pointer is, as shares of its sides. */
export function pointed(one, { clientX, clientY }) {
  const { left, top, width, height } = onScreen(one);
  return [(clientY - top) / height, (clientX - left) / width];
}

/** Where an element stands in a box that may be scrolled: places are measured on the screen, and drawn on what is enlarged. */
export function placedIn(box) {
  const zoom = zoomOf(box);
  const whole = onScreen(box);
  const [dx, dy] = [box.scrollLeft - whole.left / zoom, box.scrollTop - whole.top / zoom];
  return (one) => {
    const { left, right, top, bottom } = onScreen(one);
    return { left: left / zoom + dx, right: right / zoom + dx, top: top / zoom + dy, bottom: bottom / zoom + dy };
  };
}

/** A drawing of lines over a box, which only eyes see: the first path has most of them, the second those that stand out. */
export function linesOver() {
  return element("svg", { "aria-hidden": true }, element("path"), element("path"));
}

/** Draw these lines, each in the letters of an SVG path. */
export function drawLines(lines, paths, standing = []) {
  [paths, standing].forEach((each, k) => lines.children[k].setAttribute("d", each.join("")));
}
