// The question: why this digit, and not that one?

import { classNames, nameOf, pin, set, state, target, versus } from "../state.js";
import { words } from "../words.js";

const heading = document.getElementById("question");

function choice(name, values) {
  const select = document.createElement("select");
  select.id = name;
  select.dataset.testid = name;
  select.append(...values.map((value) => new Option(value, value)));
  return select;
}

const targets = choice("target", []);
const contrasts = choice("versus", [""]);

let asked = () => {};
// The names that can be chosen from.
let listed = "";

/** `changed` is called when another class is asked about. */
export function onQuestion(changed) {
  asked = changed;
}

targets.addEventListener("change", () => {
  pin(Number(targets.value));
  asked();
});
contrasts.addEventListener("change", () => {
  set({ versus: contrasts.value === "" ? null : Number(contrasts.value) });
  asked();
});

export function showQuestion({ answer }) {
  const said = words();
  const [why, and, not] = said.question;
  const names = classNames();
  if (names.join("\n") !== listed) {
    listed = names.join("\n");
    const options = () => names.map((_, number) => new Option(nameOf(number), number));
    targets.replaceChildren(...options());
    contrasts.replaceChildren(contrasts.options[0], ...options());
  }
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
  names.forEach((_, number) => (contrasts.options[number + 1].disabled = number === target()));
}
