// Another network beside the one that is chosen: what it reads in the same picture, and its answer to the same question.

import { account, sharesOf } from "../answers/account.js";
import { sideOf } from "../answers/network.js";
import { percent, percents, softmax } from "../answers/numbers.js";
import { at, fillOptions, fillSum, words } from "../page.js";
import { sharp, widthOf } from "../painting.js";
import { drawGuess, guess, open } from "./guess.js";
import { fillScale, modeOf, scaleIn, SHOWN } from "./regions.js";
import { beside, comparable, nameOf, refresh, set } from "../state.js";

const choice = at("beside");
const canvas = at("beside-map");
const width = widthOf(canvas, refresh);
const scale = scaleIn(at("beside-scale"));

function reads(said, { process }) {
  const { predicted, logits, model } = process;
  return said.networkReads(model.name, nameOf(predicted), percents(softmax(logits))[predicted]);
}

/** What an answer says, in a sentence: there is room for one of each network. */
export function besideWords(said, { question, where }) {
  const predicted = nameOf(where.predicted);
  if (question === "grounds") {
    const { sufficient, players, contrast } = where;
    const change = contrast && { count: contrast.regions.length, predicted: nameOf(contrast.predicted) };
    return said.besideGrounds({ kept: sufficient.regions.length, players: players.length, change });
  }
  if (question === "occlusion") return said.besideOcclusion({ predicted, critical: where.critical.length });
  return said.besideShapley({ empty: nameOf(where.empty.predicted), share: percent(where.empty.probability) });
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
  if (!width()) return;
  const context = sharp(canvas, width());
  if (!known) return;
  at("beside-whose").textContent = reads(said, known);
  const { process, where } = known;
  const side = sideOf(process.image);
  const sheet = { side, pixel: width() / side };
  const [target, versus] = [where.target ?? process.predicted, where.versus ?? null];
  const one = { ...account(process, target, versus), target, versus };
  const same = where.region === answer.where.region;
  const scene = { now: { ...now, answer: known, hidden: [], pair: null, spot: same ? spot : null }, one };
  if (known.question === "shapley") scene.shares = sharesOf(known, one);
  const view = open() ? guess : SHOWN[modeOf(known.question)];
  view.draw(context, sheet, scene);
  if (same && now.guess?.shown) drawGuess(context, sheet, where);
  at("beside-title").textContent = view.heading(said, known, null);
  canvas.setAttribute("aria-label", view.heading(said, known, null));
  canvas.dataset.shown = open() ? "guess" : modeOf(known.question);
  fillScale(scale, view, scene);
  fillSum(at("beside-sum"), (!open() && view.sum?.(said, scene)) || [], scene.shares?.decimals ?? 0);
  at("beside-said").textContent = open() || known.question === "shapley" ? "" : besideWords(said, known);
}

/** `asked` is called when another network is to be asked. */
export function onBeside(asked) {
  choice.addEventListener("change", () => {
    set({ beside: choice.value || null, second: null });
    asked();
  });
}
