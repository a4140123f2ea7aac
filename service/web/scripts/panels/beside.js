// Another network beside the one that is chosen: what it reads in the same picture, and its answer to the same question.

import { account, sharesOf } from "../answers/account.js";
import { percents, softmax } from "../answers/numbers.js";
import { at, fillOptions, words, writeText } from "../page.js";
import { liveWords } from "./grounds.js";
import { open, outcome } from "./guess.js";
import { besideWords, regionWords } from "./question.js";
import { mapIn, modeOf } from "./regions.js";
import { beside, comparable, nameOf, set } from "../state.js";

const choice = at("beside");
const canvas = at("beside-map");
const showMap = mapIn(canvas, at("beside-scale"), at("beside-sum"));

function reads(said, { process }) {
  const { predicted, logits, model } = process;
  return said.networkReads(model.name, nameOf(predicted), percents(softmax(logits))[predicted]);
}

function showChoice(said, now) {
  const others = comparable(now.model).map(({ name }) => name);
  at("beside-field").hidden = !others.length;
  fillOptions(choice, [[beside() ? said.besideNone : said.besideChoose, ""], ...others.map((name) => [name, name])]);
  choice.value = beside() ?? "";
}

/** `now` is the state, with what is looked at. */
export function showBeside(now) {
  const said = words();
  const { answer, second, spot } = now;
  showChoice(said, now);
  const shown = Boolean(answer && beside());
  document.querySelector(".why").classList.toggle("comparing", shown);
  at("beside-panel").hidden = at("whose").hidden = !shown;
  if (!shown) return;
  at("whose").textContent = reads(said, answer);
  const known = second && second.question === now.question && second.process.model.name === beside() ? second : null;
  at("beside-panel").classList.toggle("old", second?.of !== answer);
  if (!known) return;
  at("beside-whose").textContent = reads(said, known);
  const { process, where } = known;
  const [target, versus] = [where.target ?? process.predicted, where.versus ?? null];
  const one = { ...account(process, target, versus), target, versus };
  // What is pointed at is a region of the first.
  const same = where.region === answer.where.region;
  const scene = { now: { ...now, answer: known, pair: null, spot: same ? spot : null }, one, brief: true };
  scene.shares = known.question === "shapley" ? sharesOf(known, one) : null;
  const name = open() ? "guess" : modeOf(known.question);
  const heading = showMap(name, scene).shown.heading(said, known, null);
  at("beside-title").textContent = heading;
  canvas.setAttribute("aria-label", heading);
  at("beside-said").classList.toggle("live", now.hidden.length > 0);
  const text = besideSaid(said, scene);
  if (text !== null) writeText(at("beside-said"), text);
}

/** What is said below the second map: what is pointed at, hidden or guessed has an answer of either network. */
function besideSaid(said, scene) {
  const { answer, spot, hidden, live, guess } = scene.now;
  if (open()) return "";
  if (spot && answer.question !== "grounds") return regionWords(said, scene);
  if (hidden.length) return liveWords(said, answer.where, hidden, live[1]);
  if (guess?.marks.length) return outcome(said, scene);
  return answer.question === "shapley" ? "" : besideWords(said, answer);
}

/** `asked` is called when another network is to be asked. */
export function onBeside(asked) {
  choice.addEventListener("change", () => {
    set({ beside: choice.value || null, second: null });
    asked();
  });
}
