// The question: why this digit, and not that one?

import { rival, set, state, target } from "../state.js";
import { words } from "../words.js";

const heading = document.getElementById("question");

function choice(name, values) {
  const select = document.createElement("select");
  select.id = name;
  select.dataset.testid = name;
  select.append(...values.map((value) => new Option(value, value)));
  return select;
}

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);
const targets = choice("target", DIGITS);
const rivals = choice("rival", ["", ...DIGITS]);

let asked = () => {};

/** `changed` is called when another class is asked about. */
export function onQuestion(changed) {
  asked = changed;
}

targets.addEventListener("change", () => {
  const digit = Number(targets.value);
  // Whoever asks about what is read follows the reading when it changes.
  set({ pinned: digit === state.answer?.process.predicted ? null : digit });
  asked();
});
rivals.addEventListener("change", () => set({ rival: rivals.value === "" ? null : Number(rivals.value) }));

export function showQuestion({ answer }) {
  const said = words();
  const [why, and, not] = said.question;
  if (heading.dataset.language !== said.language) {
    heading.dataset.language = said.language;
    heading.replaceChildren(why, targets, and, rivals, not);
    targets.setAttribute("aria-label", said.targetLabel);
    rivals.setAttribute("aria-label", said.rivalLabel);
    rivals.options[0].text = said.another;
  }
  heading.classList.toggle("idle", !answer);
  targets.disabled = rivals.disabled = !answer;
  // Before anything is read, there is nothing to ask about.
  targets.value = String(target() ?? "");
  rivals.value = String(rival() ?? "");
  DIGITS.forEach((digit) => (rivals.options[digit + 1].disabled = digit === target()));
}
