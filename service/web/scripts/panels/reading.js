// What is read: the class, the picture that the network sees, and a bar for each class.

import { blank, limitOf } from "../answers/network.js";
import { decimalsFor, number, percents, softmax } from "../answers/numbers.js";
import { button, byId, element, letterSize, partsOfName, remember, remembered, words } from "../shared.js";
import { paintImage } from "../painting.js";
import { classNames, isLong, nameOf, pin, set, side, state } from "../state.js";

const seen = byId("seen");
const preprocessing = byId("preprocessing");
const reading = byId("reading");
const bars = byId("bars");
const UNIT = "konkyo-unit";
// Pixels for the name of what is read, and for the names beside the bars, and the least and greatest size of their letters: on one line, on two.
const READ = { width: 88, letters: [13, 24] };
const BAR = { width: 82, letters: [11.5, 15], two: [8, 11] };
// More bars than this are scrolled.
const MANY = 24;

if (remembered(UNIT) === "logit") state.unit = "logit";
for (const unit of ["probability", "logit"]) {
  byId(`unit-${unit}`).addEventListener("click", () => {
    remember(UNIT, unit);
    set({ unit });
  });
}

let rows = [];
let built = null;

function row(number) {
  const parts = [element("span", "digit"), element("span", "track", element("span", "fill")), element("span", "share")];
  const one = button({ pressed: () => pin(number), "data-testid": `bar-${number}` }, ...parts);
  bars.append(element("li", "", one));
  return one;
}

/** A bar for each class of the network. */
function build(names) {
  if (names === built) return;
  built = names;
  if (rows.length !== names.length) {
    bars.replaceChildren();
    rows = names.map((_, number) => row(number));
  }
  bars.classList.toggle("many", names.length > MANY);
  bars.classList.toggle("named", names.some(isLong));
  rows.forEach((one, number) => (one.querySelector(".digit").textContent = nameOf(number)));
  // A name that is too long for one line has two, of smaller letters; words are broken only where even these are too long.
  const named = names.some(isLong);
  const size = named && letterSize(names, BAR.width, BAR.letters);
  bars.style.fontSize = !named ? "" : `${size > BAR.letters[0] ? size : letterSize(names.flatMap(partsOfName), BAR.width, BAR.two)}px`;
}

/** What was done with the picture, and all reasons to doubt that it is a digit: one line each. */
function preprocessingLines({ fitted, inverted, width, height, warnings }) {
  const said = words();
  const size = width !== height ? said.padded : width === side() ? said.asIs(side()) : said.resized;
  const done = [fitted ? said.fitted : size, inverted ? said.inverted : null].filter(Boolean).join(" · ");
  const reasons = warnings.map(({ code, text }) => ({ className: "warning", text: said.warnings[code] ?? text }));
  // Nothing was done with a picture on which there is nothing.
  return warnings.some(({ code }) => code === "empty") ? reasons : [{ text: done }, ...reasons];
}

/** Of each class its text, and where its bar starts and ends, as shares of the track. */
function bar(process, unit) {
  if (!process) return rows.map(() => ({ text: "", from: 0, to: 0 }));
  const { logits } = process;
  if (unit === "probability") {
    const shares = softmax(logits);
    return percents(shares).map((text, k) => ({ text, from: 0, to: shares[k] }));
  }
  const [least, most] = [Math.min(0, ...logits), Math.max(0, ...logits)];
  const place = (value) => (most > least ? (value - least) / (most - least) : 0);
  const decimals = decimalsFor(limitOf(logits));
  return logits.map((value) => ({ text: number(value, decimals), from: place(Math.min(value, 0)), to: place(Math.max(value, 0)) }));
}

/** `asked` is the class that the page explains. */
export function showReading({ answer, input, unit }, asked) {
  const said = words();
  const process = answer?.process;
  build(classNames());
  const values = bar(process, unit);
  paintImage(seen, process?.image ?? blank(side()));
  seen.setAttribute("aria-label", said.seenLabel(side()));
  const lines = process ? preprocessingLines(process.input) : input ? preprocessingLines(input) : [];
  preprocessing.replaceChildren(...lines.map(({ className, text }) => element("p", className, text)));
  const name = nameOf(process?.predicted) ?? "–";
  const digit = element("span", isLong(name) ? "digit name" : "digit", name);
  if (isLong(name)) digit.style.fontSize = `${letterSize(partsOfName(name), READ.width, READ.letters)}px`;
  const share = element("span", "share", process ? said.read[unit](values[process.predicted].text) : said.nothingRead);
  reading.classList.toggle("idle", !process);
  const text = `${digit.textContent} ${share.textContent}`;
  // Written only when it changes, so that a screen reader says it once.
  if (reading.textContent !== text) reading.replaceChildren(digit, " ", share);
  for (const name of ["probability", "logit"]) byId(`unit-${name}`).setAttribute("aria-pressed", name === unit);
  rows.forEach((row, candidate) => {
    const { text: shown, from, to } = values[candidate];
    row.disabled = !process;
    row.classList.toggle("read", candidate === process?.predicted);
    row.setAttribute("aria-pressed", candidate === asked);
    row.setAttribute("aria-label", said.bar(nameOf(candidate), shown));
    Object.assign(row.querySelector(".fill").style, { marginLeft: `${100 * from}%`, width: `${100 * (to - from)}%` });
    row.querySelector(".share").textContent = shown;
  });
}
