// What the filter pairs add, from one answer of /explain/process: for any class, and any class to compare with; and the sums that are
// made of an answer, as they are shown.

import { highest, limitOf } from "./network.js";
import { decimalsOfSum, greatest, order, rounded, roundedSum, rowsLike } from "./numbers.js";

// A network with more pairs than this has those shown that matter most; the others are one number.
const FEW = 16;
export const MOST_SHOWN = 11;

/** The sum of nested arrays. */
export function sum(values) {
  return values.flat(Infinity).reduce((total, value) => total + value, 0);
}

/** Nested arrays minus nested arrays of the same shape. */
function minus(one, other) {
  return Array.isArray(one) ? one.map((part, k) => minus(part, other[k])) : one - other;
}

/** Two arrays of the same shape, multiplied value by value. */
export function times(one, other) {
  return one.map((part, k) => (Array.isArray(part) ? times(part, other[k]) : part * other[k]));
}

export function samePair(one, other) {
  return one[0] === other[0] && one[1] === other[1];
}

/** The pairs of an answer whose maps came with it, each with its position in the head's maps: {pair, k}. */
function placed({ pairs, head_maps: maps, stages, contributions: [rows] }) {
  const [inputs, filters] = [rows.length, rows[0].length];
  const paired = stages.at(-1).count === inputs * filters;
  return pairs.map(({ map, filter }) => ({ pair: [map, filter], k: maps.indexOf(paired ? map * filters + filter : filter) }));
}

/**
 * What adds up to the target's logit or, with a class to compare with, to the difference of the two.
 *
 * `shown` are the pairs that the page shows, each {pair, value, weights, passed, map}: all of few, and of many those that
 * matter most, the greatest first. `others` is {count, value} of the rest.
 */
export function account(process, target, versus) {
  const of = (values) => (versus === null ? values[target] : minus(values[target], values[versus]));
  const [contributions, head] = [of(process.contributions), of(process.head)];
  const known = placed(process).map(({ pair: [i, j], k }, p) => {
    const [weights, passed] = [head[k], process.passed[p]];
    return { pair: [i, j], value: contributions[i][j], weights, passed, map: times(weights, passed) };
  });
  const count = contributions.length * contributions[0].length;
  const shown = count <= FEW ? known : largest(known);
  const pairs = sum(contributions);
  return {
    contributions,
    pairs,
    count,
    shown,
    others: { count: count - shown.length, value: pairs - sum(shown.map(({ value }) => value)) },
    filterBias: sum(of(process.filter_bias)),
    classBias: of(process.class_bias),
    logit: of(process.logits),
    ranking: ranking(contributions),
  };
}

/** The maps of these pairs for one class. */
export function mapsOf(process, target, pairs) {
  const known = placed(process);
  return pairs.map(({ pair }) => {
    const p = known.findIndex((one) => samePair(one.pair, pair));
    return times(process.head[target][known[p].k], process.passed[p]);
  });
}

function largest(known) {
  const values = known.map(({ value }) => value);
  const most = greatest(values, MOST_SHOWN);
  return order(values).filter((place) => most.includes(place)).map((place) => known[place]);
}

/** All pairs [map, filter], the greatest contribution first; of equal ones, the lower numbers. */
function ranking(contributions) {
  const pairs = contributions.flatMap((row, i) => row.map((_, j) => [i, j]));
  return order(contributions.flat()).map((place) => pairs[place]);
}

/** First and second place; none where no pair contributes anything. */
export function places(ledger) {
  return ledger.contributions.flat().some((value) => value !== 0) ? ledger.ranking.slice(0, 2) : [];
}

/** What is known of a pair that is shown. */
export function entryOf(ledger, pair) {
  return ledger.shown[indexOf(ledger, pair)];
}

export function indexOf(ledger, pair) {
  return ledger.shown.findIndex((each) => samePair(each.pair, pair));
}

/** {weight, activation, value} of the largest cell of a pair's map; null where the pair adds nothing. */
export function largestCell({ map, weights, passed }) {
  const [row, column] = highest(map.map((line) => line.map(Math.abs)));
  const value = map[row][column];
  return value === 0 ? null : { weight: weights[row][column], activation: passed[row][column], value };
}

/** From what is shown before a region is hidden to what is shown after: {before, after, change, decimals}. */
export function changeOf({ where }, [row, column]) {
  const decimals = decimalsOfSum(limitOf(where.drop), where.whole);
  const [before, change] = [where.whole, -where.drop[row][column]].map((value) => rounded(value, decimals));
  return { before, after: rounded(before + change, decimals), change, decimals };
}

/** What is summed up, and to what; `kind` says what it is. */
function summed({ answer, spot }, ledger, shares) {
  const { where, question } = answer;
  if (!spot || !where.pairs) {
    const decimals = decimalsOfSum(limitOf(ledger.contributions), ledger.logit);
    return { kind: "contribution", values: ledger.contributions, biases: [ledger.filterBias, ledger.classBias], total: ledger.logit, decimals };
  }
  const [row, column] = spot;
  const values = where.pairs[row][column];
  if (question === "shapley") {
    const { regions, decimals } = shares;
    return { kind: "share", values, biases: [sum(where.filter_bias[row][column])], total: regions[row][column], decimals };
  }
  const { change, decimals } = changeOf(answer, spot);
  const changes = values.map((line) => line.map((value) => -value));
  return { kind: "change", values: changes, biases: [-where.drop[row][column] - sum(changes)], total: change, decimals };
}

/**
 * What stands in the table of pairs: their contributions, or what one region does to them.
 *
 * {kind, decimals, cells, others, terms, total}: a cell for each pair that is shown, in their order, and one number for
 * all others, or null. They add up to the first of the terms, the terms to the total.
 */
export function tableOf(now, ledger, shares) {
  const { kind, values, biases, total, decimals } = summed(now, ledger, shares);
  const own = ledger.shown.map(({ pair: [i, j] }) => values[i][j]);
  const { parts, ...shown } = roundedSum(own, biases, total, decimals, ledger.others.count ? sum(values) - sum(own) : null);
  return { kind, cells: parts, ...shown };
}

/**
 * Shapley values as they are shown: {decimals, empty, all, regions, total}, where empty + all = total, and the regions add up to all.
 *
 * With a pair of a table they are that pair's: the total is its contribution as it stands there.
 */
export function sharesOf({ where }, ledger, table = null, pair = null) {
  if (!pair) return sharesLike(where.values, where.empty.logit, where.logit, decimalsOfSum(limitOf(where.values), where.logit));
  const k = indexOf(ledger, pair);
  const values = where.pairs.map((line) => line.map((region) => region[pair[0]][pair[1]]));
  return sharesLike(values, ledger.shown[k].value - sum(values), table.cells[k], table.decimals);
}

function sharesLike(values, before, whole, decimals) {
  const { parts, terms: [all, empty], total } = roundedSum(values.flat(), [before], whole, decimals);
  return { decimals, empty, all, regions: rowsLike(values, parts), total };
}
