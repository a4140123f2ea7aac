// What is read: the digit, the picture that the network sees, and the ten bars.

import { limitOf } from "../colours.js";
import { softmax } from "../ledger.js";
import { decimalsFor, number, percent } from "../numbers.js";
import { set, state } from "../state.js";
import { BLANK, paintDigit } from "../tiles.js";
import { remember, remembered, words } from "../words.js";

const at = (id) => document.getElementById(id);
const seen = at("seen");
const receipt = at("receipt");
const reading = at("reading");
const bars = at("bars");
const UNIT = "konkyo-unit";

if (remembered(UNIT) === "logit") state.unit = "logit";
for (const unit of ["probability", "logit"]) {
  at(`unit-${unit}`).addEventListener("click", () => {
    remember(UNIT, unit);
    set({ unit });
  });
}

const rows = Array.from({ length: 10 }, (_, digit) => {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.testid = `bar-${digit}`;
  button.append(...["digit", "track", "share"].map((name) => Object.assign(document.createElement("span"), { className: name })));
  button.children[0].textContent = digit;
  button.children[1].append(Object.assign(document.createElement("span"), { className: "fill" }));
  button.addEventListener("click", () => set({ pinned: digit }));
  const item = document.createElement("li");
  item.append(button);
  bars.append(item);
  return button;
});

/** What was done with the picture, and all reasons to doubt that it is a digit: one line each. */
function receiptLines({ fitted, inverted, warnings }) {
  const said = words();
  const done = [fitted ? said.fitted : said.asIs, inverted ? said.inverted : null].filter(Boolean).join(" · ");
  const doubts = warnings.map(({ code, text }) => ({ className: "warning", textContent: said.warnings[code] ?? text }));
  // Nothing was done with a picture on which there is nothing.
  return warnings.some(({ code }) => code === "empty") ? doubts : [{ textContent: done }, ...doubts];
}

/** Of each class its text, and where its bar starts and ends, as shares of the track. */
function bar(process, unit) {
  if (!process) return Array(10).fill({ text: "", from: 0, to: 0 });
  const { logits } = process;
  if (unit === "probability") return softmax(logits).map((share) => ({ text: percent(share), from: 0, to: share }));
  const [least, most] = [Math.min(0, ...logits), Math.max(0, ...logits)];
  const place = (value) => (most > least ? (value - least) / (most - least) : 0);
  const decimals = decimalsFor(limitOf(logits));
  return logits.map((value) => ({ text: number(value, decimals), from: place(Math.min(value, 0)), to: place(Math.max(value, 0)) }));
}

/** `asked` is the class that the page explains. */
export function showReading({ answer, input, unit }, asked) {
  const said = words();
  const process = answer?.process;
  const values = bar(process, unit);
  paintDigit(seen, process?.image ?? BLANK);
  const lines = process ? receiptLines(process.input) : input ? receiptLines(input) : [];
  receipt.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), line)));
  const digit = Object.assign(document.createElement("span"), { className: "digit", textContent: process?.predicted ?? "–" });
  const share = Object.assign(document.createElement("span"), { className: "share" });
  share.textContent = process ? said.read[unit](values[process.predicted].text) : said.nothingRead;
  reading.classList.toggle("idle", !process);
  const text = `${digit.textContent} ${share.textContent}`;
  // Written only when it changes, so that a screen reader says it once.
  if (reading.textContent !== text) reading.replaceChildren(digit, " ", share);
  for (const name of ["probability", "logit"]) at(`unit-${name}`).setAttribute("aria-pressed", name === unit);
  rows.forEach((row, candidate) => {
    const { text: shown, from, to } = values[candidate];
    row.disabled = !process;
    row.classList.toggle("read", candidate === process?.predicted);
    row.setAttribute("aria-pressed", candidate === asked);
    row.setAttribute("aria-label", said.bar(candidate, shown));
    Object.assign(row.querySelector(".fill").style, { marginLeft: `${100 * from}%`, width: `${100 * (to - from)}%` });
    row.querySelector(".share").textContent = shown;
  });
}
