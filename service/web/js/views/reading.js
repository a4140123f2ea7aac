// What is read: the digit, the picture that the network sees, and the ten bars.

import { softmax } from "../ledger.js";
import { percent } from "../numbers.js";
import { set } from "../state.js";
import { BLANK, paintDigit } from "../tiles.js";
import { words } from "../words.js";

const seen = document.getElementById("seen");
const receipt = document.getElementById("receipt");
const reading = document.getElementById("reading");
const bars = document.getElementById("bars");

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

/** `asked` is the class that the page explains. */
export function showReading({ answer }, asked) {
  const process = answer?.process;
  const probabilities = process ? softmax(process.logits) : Array(10).fill(0);
  paintDigit(seen, process?.image ?? BLANK);
  const lines = process ? receiptLines(process.input) : [];
  receipt.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), line)));
  const digit = Object.assign(document.createElement("span"), { className: "digit", textContent: process?.predicted ?? "–" });
  const share = Object.assign(document.createElement("span"), { className: "share" });
  share.textContent = process ? words().read(percent(probabilities[process.predicted])) : words().nothingRead;
  reading.classList.toggle("idle", !process);
  const text = `${digit.textContent} ${share.textContent}`;
  // Written only when it changes, so that a screen reader says it once.
  if (reading.textContent !== text) reading.replaceChildren(digit, " ", share);
  rows.forEach((row, candidate) => {
    const shown = process ? percent(probabilities[candidate]) : "";
    row.disabled = !process;
    row.classList.toggle("read", candidate === process?.predicted);
    row.setAttribute("aria-pressed", candidate === asked);
    row.setAttribute("aria-label", words().bar(candidate, shown));
    row.querySelector(".fill").style.width = `${100 * probabilities[candidate]}%`;
    row.querySelector(".share").textContent = shown;
  });
}
