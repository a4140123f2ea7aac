// The question: why this digit, and not that one?

import { set, state, target, versus } from "../state.js";
import { words } from "../words.js";

const heading = document.getElementById("question");

function choice(name, values, testid = name) {
  const select = document.createElement("select");
  select.id = name;
  select.dataset.testid = testid;
  select.append(...values.map((value) => new Option(value, value)));
  return select;
}

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);
const targets = choice("target", DIGITS);
// Tests and scripts know it by its name of version 0.1.
const contrasts = choice("versus", ["", ...DIGITS], "rival");

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
contrasts.addEventListener("change", () => {
  set({ versus: contrasts.value === "" ? null : Number(contrasts.value) });
  asked();
});

export function showQuestion({ answer }) {
  const said = words();
  const [why, and, not] = said.question;
  if (heading.dataset.language !== said.language) {
    heading.dataset.language = said.language;
    heading.replaceChildren(why, targets, and, contrasts, not);
    targets.setAttribute("aria-label", said.targetLabel);
    contrasts.setAttribute("aria-label", said.versusLabel);
    contrasts.options[0].text = said.another;
  }
  heading.classList.toggle("idle", !answer);
  targets.disabled = contrasts.disabled = !answer;
  // Before anything is read, there is nothing to ask about.
  targets.value = String(target() ?? "");
  contrasts.value = String(versus() ?? "");
  DIGITS.forEach((digit) => (contrasts.options[digit + 1].disabled = digit === target()));
}
