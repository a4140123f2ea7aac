// Another network beside the one that is chosen: what it reads in the same picture, and its answer to the same question.

import { account, sharesOf } from "../answers/account.js";
import { percents, softmax } from "../answers/numbers.js";
import { byId, fillOptions, words, writeText } from "../shared.js";
import { liveWords } from "./grounds.js";
import { open, outcome } from "./guess.js";
import { besideWords, regionWords } from "./question.js";
import { mapIn, modeOf } from "./regions.js";
import { beside, comparable, nameOf, set } from "../state.js";

const choice = byId("beside");
const canvas = byId("beside-map");
const showMap = mapIn(canvas, byId("beside-scale"), byId("beside-sum"));

function reads(said, { process }) {
  const { predicted, logits, model } = process;
  return said.networkReads(model.name, nameOf(predicted), percents(softmax(logits))[predicted]);
}

function showChoice(said, now) {
  const others = comparable(now.model).map(({ name }) => name);
  byId("beside-field").hidden = !others.length;
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
  byId("beside-panel").hidden = byId("whose").hidden = !shown;
  if (!shown) return;
  byId("whose").textContent = reads(said, answer);
  const known = second && second.question === now.question && second.process.model.name === beside() ? second : null;
  byId("beside-panel").classList.toggle("old", second?.of !== answer);
  if (!known) return;
  byId("beside-whose").textContent = reads(said, known);
  const { process, where } = known;
  const [target, versus] = [where.target ?? process.predicted, where.versus ?? null];
  const ledger = { ...account(process, target, versus), target, versus };
  // What is pointed at is a region of the first.
  const same = where.region === answer.where.region;
  const scene = { now: { ...now, answer: known, pair: null, spot: same ? spot : null }, ledger, brief: true };
  scene.shares = known.question === "shapley" ? sharesOf(known, ledger) : null;
  const name = open() ? "guess" : modeOf(known.question);
  const heading = showMap(name, scene).shown.heading(said, known, null);
  byId("beside-title").textContent = heading;
  canvas.setAttribute("aria-label", heading);
  byId("beside-said").classList.toggle("live", now.hidden.length > 0);
  const text = besideSaid(said, scene);
  if (text !== null) writeText(byId("beside-said"), text);
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
