// Taking something along: a picture, a command, a link.

import { ask, query } from "./api.js";
import { theme } from "./colours.js";
import { state, target, versus } from "./state.js";
import { words } from "./words.js";

const done = document.getElementById("done");
const dialog = document.getElementById("text-dialog");
const text = document.getElementById("text");
const SHOWN_FOR = 6000;
let timer;

function tell(sentence) {
  done.textContent = sentence;
  clearTimeout(timer);
  timer = setTimeout(() => (done.textContent = ""), SHOWN_FOR);
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

const QUESTIONS = {
  ledger: () => ["/explain/filters", { target: target(), versus: versus() }],
  heatmap: () => ["/explain/occlusion", { region: state.region, target: target(), versus: versus() }],
  process: () => ["/explain/process", {}],
};

/** A command for a shell that carries the picture in itself and asks for the ledger. */
export async function command({ picture, sent }) {
  const [path, parameters] = QUESTIONS.ledger();
  const url = `${location.origin}${path}?${query({ ...sent, ...parameters })}`;
  return `echo ${await base64(picture)} | base64 -d | curl -s -F file=@- '${url}'`;
}

/** Save what the service draws of what the page shows. */
export async function save(name, { picture, sent }) {
  const [path, parameters] = QUESTIONS[name]();
  const blob = await ask(path, picture, { ...sent, ...parameters, format: "png", scale: 2, theme: theme() });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `konkyo-${name}-${target()}.png`;
  link.click();
  // The browser has its own copy once the download has begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  tell(words().saved);
}
