// Taking something along: a picture, a command, a link.

import { ask, hasKey, query } from "./api.js";
import { theme } from "./colours.js";
import { QUESTIONS } from "./questions.js";
import { classNames, state, target, versus } from "./state.js";
import { words } from "./words.js";

// On the page and in the bar of a presentation.
const done = ["done", "present-done"].map((id) => document.getElementById(id));
const dialog = document.getElementById("text-dialog");
const text = document.getElementById("text");
const SHOWN_FOR = 6000;
let timer;

function tell(sentence) {
  for (const one of done) one.textContent = sentence;
  clearTimeout(timer);
  timer = setTimeout(() => done.forEach((one) => (one.textContent = "")), SHOWN_FOR);
}

/** Onto the clipboard; where a browser forbids that, shown to be copied by hand. */
export async function copy(content, sentence) {
  try {
    await navigator.clipboard.writeText(content);
    tell(sentence);
  } catch {
    text.value = content;
    dialog.showModal();
    text.select();
  }
}

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters);
}

/** Where the service answers what a part of the page shows, and with which parameters. */
function asked(part) {
  const name = (number) => (number === null ? null : classNames()[number]);
  const classes = { target: name(target()), versus: name(versus()) };
  if (part === "ledger") return ["/explain/filters", classes];
  if (part === "process") return ["/explain/process", {}];
  const { path, parameters } = QUESTIONS[state.question];
  return [path, parameters(classes)];
}

/** A command for a shell that carries the picture in itself and asks for what a part of the page shows. */
export async function command(part, { picture, sent }) {
  const [path, parameters] = asked(part);
  const url = `${location.origin}${path}?${query({ ...sent, ...parameters })}`;
  // The key itself is nothing to hand on.
  const key = hasKey() ? '-H "X-API-Key: $KONKYO_KEY" ' : "";
  return `echo ${await base64(picture)} | base64 -d | curl -s ${key}-F file=@- '${url}'`;
}

/** What the service draws of what the page shows, as it is seen: its theme, its language, the regions that are hidden. */
export function drawn(name, form, { picture, sent }) {
  const [path, parameters] = asked(name);
  const seen = { theme: theme(), language: form === "png" ? null : document.documentElement.lang };
  if (name === "heatmap" && state.question === "grounds" && state.hidden.length) seen.hide = state.hidden.map((place) => place.join(".")).join("-");
  return ask(path, picture, { ...sent, ...parameters, format: form, scale: form === "png" ? 2 : null, ...seen });
}

function download(name, form, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  const part = name === "heatmap" && state.question !== "occlusion" ? state.question : name;
  link.download = `konkyo-${part}-${target()}.${form}`;
  link.click();
  // The browser has its own copy once the download has begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  tell(words().saved[form]);
}

/** Save it as a picture. */
export async function save(name, form, shown) {
  download(name, form, await drawn(name, form, shown));
}

let ready = null;

/** The button's text: how large the handout is, once it is there. */
export function showHandout(button, { question, answer, hidden }) {
  button.hidden = question !== "grounds";
  const key = [answer, hidden, document.documentElement.lang, theme()];
  if (ready && ready.key.some((one, place) => one !== key[place])) ready = null;
  button.textContent = words().handout(ready && ready.size);
}

/** Make the handout, and say how large it is; when asked again, save it. */
export async function handout(button, shown) {
  if (ready) return download("heatmap", "html", ready.blob);
  const key = [state.answer, state.hidden, document.documentElement.lang, theme()];
  const blob = await drawn("heatmap", "html", shown);
  ready = { key, blob, size: `${Math.ceil(blob.size / 1000).toLocaleString("en-US")} kB` };
  showHandout(button, state);
  tell(words().handoutReady(ready.size));
}
