// What the filter pairs add, from one answer of /explain/process: for any class, and any class to compare with. And numbers as text
// that add up as they are shown.

import { highest, limitOf } from "./network.js";

// As in saved pictures: numbers that need more decimals, and numbers from a million on, are written as 1.2e−07.
const MOST_DECIMALS = 4;
const LARGEST = 1e6;
// Ten to a higher power is no number of JavaScript's.
const MOST_UNITS = 300;

export function clip(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/** How many decimals numbers of this size need: two, fewer from 100 on, more below 0.1. */
export function decimalsFor(value) {
  const exponent = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
  return exponent >= -1 ? clip(3 - exponent, 0, 2) : Math.min(1 - exponent, MOST_UNITS);
}

/** A number with fixed decimals and a true minus; what rounds to zero has no sign. */
export function number(value, decimals = decimalsFor(value), sign = false) {
  const size = Math.abs(value);
  const short = (decimals > MOST_DECIMALS && value !== 0) || size >= LARGEST;
  const text = short ? withExponent(size) : size.toFixed(Math.min(decimals, MOST_DECIMALS));
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? "−" : sign ? "+" : "") + text;
}

/** 1.2e−07: one decimal, and two digits of exponent or more. */
function withExponent(size) {
  const [digits, exponent] = size.toExponential(1).split("e");
  return `${digits}e${exponent[0] === "-" ? "−" : "+"}${exponent.slice(1).padStart(2, "0")}`;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** e to the power of this, with two digits and a power of ten: the number itself may be too large for a computer. */
export function scientific(logarithm) {
  const power = logarithm / Math.LN10;
  const [digits, exponent] = (10 ** (power - Math.floor(power))).toExponential(1).split("e");
  const whole = Math.floor(power) + Number(exponent);
  return `${digits}×10${[...String(whole)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`;
}

/** A number as it is shown: a sum is made of what is shown, not of what is behind it. */
export function rounded(value, decimals) {
  const units = 10 ** decimals;
  return Math.round(value * units) / units;
}

/**
 * The values rounded so that they add up to the rounded total: the method of the largest remainder.
 *
 * Each is rounded down, and those with the largest remainders are rounded up. A total that is itself shown one unit off,
 * because it is a part of another sum, is still met. A sum that does not hold is not made to hold.
 */
export function roundToTotal(values, total, decimals) {
  const units = 10 ** decimals;
  // Noise must not take a whole number for one just below it.
  const scaled = values.map((value) => Math.round(value * units * 1e6) / 1e6);
  const whole = scaled.map(Math.floor);
  const missing = Math.round(total * units) - whole.reduce((sum, value) => sum + value, 0);
  if (missing < -1 || missing > values.length + 1) return values.map((value) => rounded(value, decimals));
  const order = [...values.keys()].sort((a, b) => whole[a] - scaled[a] - (whole[b] - scaled[b]));
  for (let k = 0; k < missing; k += 1) whole[order[k % order.length]] += 1;
  // What is nothing stays nothing.
  if (missing < 0) whole[order.findLast((k) => scaled[k] !== 0) ?? order.at(-1)] -= 1;
  return whole.map((value) => value / units);
}

/** Shares of 1 as percentages that add up to 100.0% as they are shown. */
export function percents(shares) {
  return roundToTotal(shares, 1, 3).map(percent);
}

/** The same for rows of values. */
export function roundRowsToTotal(rows, total, decimals) {
  const flat = roundToTotal(rows.flat(), total, decimals);
  return rows.map((row, k) => flat.slice(k * row.length, (k + 1) * row.length));
}

// A network with more pairs than this has those shown that matter most; the others are one number.
const FEW = 16;
const MOST_SHOWN = 11;

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
  const most = greatest(known.map(({ value }) => value), MOST_SHOWN);
  return order(known.map(({ value }) => value)).filter((place) => most.includes(place)).map((place) => known[place]);
}

/** All pairs [map, filter], the greatest contribution first; of equal ones, the lower numbers. */
function ranking(contributions) {
  const pairs = contributions.flatMap((row, i) => row.map((_, j) => [i, j]));
  return order(contributions.flat()).map((place) => pairs[place]);
}

/** The indices of values, the largest first; ties within rounding in their own order, as `order` of models/ties.py. */
export function order(values) {
  const ranks = [...values.keys()].sort((one, other) => values[other] - values[one]);
  const rounding = 1e-12 * limitOf(values);
  const groups = [];
  ranks.forEach((one, rank) => {
    if (rank && values[ranks[rank - 1]] - values[one] <= rounding) groups.at(-1).push(one);
    else groups.push([one]);
  });
  return groups.flatMap((group) => group.sort((one, other) => one - other));
}

/** The indices of the values that are largest in absolute value, the largest first. */
export function greatest(values, most) {
  return order(values.map(Math.abs)).slice(0, most);
}

/** The predicted class; ties within rounding go to the lower one, as `predicted` of models/ties.py. */
export function predictedOf(logits) {
  const lowered = logits.map((logit, one) => logit - 1e-9 * one);
  return lowered.indexOf(Math.max(...lowered));
}

/** First and second place; none where no pair contributes anything. */
export function places(one) {
  return one.contributions.flat().some((value) => value !== 0) ? one.ranking.slice(0, 2) : [];
}

/** What is known of a pair that is shown. */
export function entryOf(one, pair) {
  return one.shown[indexOf(one, pair)];
}

export function indexOf(one, pair) {
  return one.shown.findIndex((each) => samePair(each.pair, pair));
}

/** {weight, activation, value} of the largest cell of a pair's map; null where the pair adds nothing. */
export function largestCell({ map, weights, passed }) {
  const [row, column] = highest(map.map((line) => line.map(Math.abs)));
  const value = map[row][column];
  return value === 0 ? null : { weight: weights[row][column], activation: passed[row][column], value };
}

/** How many decimals all numbers of one answer have. */
export function decimalsOf(one) {
  return decimalsFor(Math.max(limitOf(one.contributions), Math.abs(one.logit)));
}

/** From what is shown before a region is hidden to what is shown after: {before, after, change}. */
export function changeOf({ where }, [row, column], decimals) {
  const [before, after] = [where.whole, where.whole - where.drop[row][column]].map((value) => rounded(value, decimals));
  return { before, after, change: rounded(after - before, decimals) };
}

/** What is summed up, and to what; `kind` says what it is. */
function summed({ answer, spot }, one, shares) {
  const { where, question } = answer;
  if (!spot || !where.pairs) return { kind: "contribution", values: one.contributions, biases: [one.filterBias, one.classBias], total: one.logit };
  const [row, column] = spot;
  const values = where.pairs[row][column];
  if (question === "shapley") return { kind: "share", values, biases: [sum(where.filter_bias[row][column])], total: shares.regions[row][column] };
  const lost = where.drop[row][column];
  const changes = values.map((line) => line.map((value) => -value));
  return { kind: "change", values: changes, biases: [-lost - sum(changes)], total: changeOf(answer, spot, decimalsOf(one)).change };
}

/**
 * What stands in the table of pairs: their contributions, or what one region does to them.
 *
 * {kind, decimals, cells, others, terms, total}: a cell for each pair that is shown, in their order, and one number for
 * all others, or null. They add up to the first of the terms, the terms to the total.
 */
export function tableOf(now, one, shares) {
  const { kind, values, biases, total } = summed(now, one, shares);
  const decimals = decimalsOf(one);
  const whole = sum(values);
  const terms = roundToTotal([whole, ...biases], total, decimals);
  const own = one.shown.map(({ pair: [i, j] }) => values[i][j]);
  const rest = one.others.count ? [whole - sum(own)] : [];
  const cells = roundToTotal([...own, ...rest], terms[0], decimals);
  const others = rest.length ? cells.pop() : null;
  return { kind, decimals, cells, others, terms, total: rounded(total, decimals) };
}

/**
 * Shapley values as they are shown: {empty, all, regions, total}, where empty + all = total, and the regions add up to all.
 *
 * With a pair they are that pair's: `total` is then its contribution as it stands in the table.
 */
export function sharesOf({ where }, one, pair = null, total = where.logit) {
  const decimals = decimalsOf(one);
  const values = pair ? where.pairs.map((line) => line.map((region) => region[pair[0]][pair[1]])) : where.values;
  const end = rounded(total, decimals);
  const all = rounded(sum(values), decimals);
  return { decimals, empty: rounded(end - all, decimals), all, regions: roundRowsToTotal(values, all, decimals), total: end };
}

/** The logarithm of the sum of e to the power of each logit. */
export function logSum(logits) {
  const most = Math.max(...logits);
  return most + Math.log(sum(logits.map((value) => Math.exp(value - most))));
}

/** Probabilities from logits. */
export function softmax(logits) {
  const whole = logSum(logits);
  return logits.map((value) => Math.exp(value - whole));
}
