// The question, why this class and not that one, and its answer in words.

import { changeOf, entryOf, indexOf, largestCell, samePair } from "../answers/account.js";
import { isColour, limitOf } from "../answers/network.js";
import { number, percent } from "../answers/numbers.js";
import { byId, element, fillOptions, words, writeText } from "../shared.js";
import { includes } from "./grounds.js";
import { guessWords, open } from "./guess.js";
import { worksWith } from "./regions.js";
import { beside, classNames, isDrawn, nameOf, pin, set, state, target, versus } from "../state.js";

const heading = byId("question");

const details = byId("details");
const [targets, contrasts] = ["target", "versus"].map((id) => element("select", { id, "data-testid": id }));

/** `changed` is called when another class is asked about. */
export function onQuestion(changed) {
  targets.addEventListener("change", () => {
    pin(Number(targets.value));
    changed();
  });
  contrasts.addEventListener("change", () => {
    set({ versus: contrasts.value === "" ? null : Number(contrasts.value) });
    changed();
  });
}

export function showQuestion({ answer }) {
  const said = words();
  const [why, and, not] = said.question;
  const names = classNames().map((name, number) => [name, number]);
  fillOptions(targets, names);
  fillOptions(contrasts, [[said.another, ""], ...names]);
  if (heading.dataset.language !== said.language) {
    heading.dataset.language = said.language;
    heading.replaceChildren(why, targets, and, contrasts, not);
    targets.setAttribute("aria-label", said.targetLabel);
    contrasts.setAttribute("aria-label", said.versusLabel);
  }
  heading.classList.toggle("idle", !answer);
  targets.disabled = contrasts.disabled = !answer;
  // Before anything is read, there is nothing to ask about.
  targets.value = String(target() ?? "");
  contrasts.value = String(versus() ?? "");
  names.forEach((_, number) => (contrasts.options[number + 1].disabled = number === target()));
}

/** What is looked at, in words. */
export function showDetails(scene) {
  writeText(details, sentence(words(), scene));
}

function sentence(said, scene) {
  const { answer, input, spot, pair } = scene.now;
  if (!answer) return input ? said.noInk : (isDrawn() ? said.empty : said.emptyBring)(tabled());
  if (open() && !pair && state.present !== "pairs") return guessWords(said, scene.now);
  if (!spot && crowded(scene.now)) return besideWords(said, answer);
  if (pair && !spot) return pairWords(said, scene);
  // Alone on a projector, the pairs have no regions beside them.
  if (!spot && state.present === "pairs") return said.idlePairs({ target: nameOf(scene.ledger.target), versus: nameOf(scene.ledger.versus) });
  return regionWords(said, scene);
}

/** What an answer says of the regions, or of the one that is looked at; with `brief` in the scene, without what is said of every region. */
export function regionWords(said, scene) {
  return { occlusion: occlusionWords, shapley: shapleyWords, grounds: groundsWords }[scene.now.answer.question](said, scene);
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

/** Whether the table of pairs stands on the page: not beside a second network, and not where the regions are alone. */
function tabled() {
  return state.present !== "where" && !(state.answer && beside());
}

/** On a projector, a second network leaves less room, and a sum or a guess beside it the room of one sentence. */
function crowded({ answer, guess }) {
  return state.present === "where" && beside() && (answer.question === "shapley" || guess?.shown);
}

function pairWords(said, { now: { answer, pair }, ledger, table, shares }) {
  const place = ledger.ranking.findIndex((each) => samePair(each, pair)) + 1;
  const entry = entryOf(ledger, pair);
  const [name, value] = [said.pairName(pair), number(table.cells[indexOf(ledger, pair)], table.decimals)];
  const facts = { name, value, target: nameOf(ledger.target), versus: nameOf(ledger.versus), place, count: ledger.count, cells: entry.map.flat().length };
  if (answer.question === "shapley" && answer.where.pairs && state.present !== "pairs") {
    const [empty, all] = [shares.empty, shares.all].map((part) => number(part, shares.decimals));
    return said.pairShares({ ...facts, empty, all });
  }
  const cell = largestCell(entry);
  const [weight, activation] = cell ? [cell.weight, cell.activation].map((part) => number(part, 3)) : [];
  return said.pairDetail({ ...facts, cell: cell && { weight, activation, value: number(cell.value, 3) } });
}

function occlusionWords(said, { now: { answer, spot } }) {
  const { predicted, critical, drop, prediction, pairs } = answer.where;
  const [target, versus] = [answer.where.target, answer.where.versus].map((one) => nameOf(one));
  if (!spot) return said.idle({ target, versus, predicted: nameOf(predicted), critical: critical.length, ink: limitOf(drop) > 0, table: tabled() });
  const [row, column] = spot;
  const [lost, left] = [drop[row][column], prediction[row][column]];
  if (lost === 0 && left === predicted) return isColour(answer.process.image) ? said.groundsNone : said.spotEmpty;
  const { before, after, change, decimals } = changeOf(answer, spot);
  const values = { before: number(before, decimals), after: number(after, decimals), change: number(change, decimals, true) };
  return said.spot({ left: nameOf(left), predicted: nameOf(predicted), target, versus, ...values, split: Boolean(pairs) && tabled() });
}

function shapleyWords(said, { now: { answer, spot }, shares, brief }) {
  const { values, empty, pairs } = answer.where;
  const [target, versus] = [answer.where.target, answer.where.versus].map((one) => nameOf(one));
  if (!spot) return said.shapley({ target, versus, empty: nameOf(empty.predicted), share: percent(empty.probability), table: tabled() });
  const [row, column] = spot;
  if (values[row][column] === 0) return said.shareNone;
  return said.share({ target, versus, value: number(shares.regions[row][column], shares.decimals, true), split: Boolean(pairs) && tabled(), works: worksOf(answer.where, spot, shares.decimals), brief });
}

/** With how many regions this one works together and against, and the strongest value of each. */
function worksOf(where, spot, decimals) {
  if (!where.interactions) return null;
  const found = worksWith(where, spot).map(([, value]) => value);
  const [more, less] = [found.filter((value) => value > 0), found.filter((value) => value < 0)];
  return { more: more.length, less: less.length, most: number(Math.max(0, ...more), decimals, true), least: number(Math.min(0, ...less), decimals) };
}

function groundsWords(said, { now: { answer, hidden, spot }, ledger }) {
  const { predicted, sufficient, contrast, players, empty } = answer.where;
  if (spot && !includes(players, spot)) return said.groundsNone;
  if (spot && includes(hidden, spot)) return said.groundsShow;
  if (spot) return said.groundsHide({ ground: includes(sufficient.regions, spot), predicted: nameOf(predicted) });
  return said.grounds({
    predicted: nameOf(predicted),
    kept: sufficient.regions.length,
    players: players.length,
    combinations: sufficient.combinations,
    status: sufficient.status,
    contrast: contrast && { count: contrast.regions.length, predicted: nameOf(contrast.predicted) },
    empty: nameOf(empty.predicted),
    share: percent(empty.probability),
    other: ledger.target !== predicted,
    versus: nameOf(ledger.versus),
  });
}
