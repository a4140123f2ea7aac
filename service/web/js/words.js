// The language of the page.

import en from "../words/en.js";
import ja from "../words/ja.js";

const LANGUAGES = { en, ja };
const KEY = "konkyo-language";

/** What is remembered from one visit to the next; a browser may forbid it, and then nothing is. */
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then the choice holds for this visit.
  }
}

function preferred() {
  const kept = remembered(KEY);
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

export function switchLanguage() {
  current = other().tag;
  remember(KEY, current);
  write();
}

/** Write the words of all elements that carry a key, as text or as a label. */
export function write() {
  document.documentElement.lang = current;
  document.getElementById("lesson").href = `/web/lesson/${current}.html`;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words()[element.dataset.word];
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", words()[element.dataset.label]);
}
