// What stands in the table of pairs: their contributions, or what one region does to them. What is shown adds up.

import { sum } from "./arithmetic.js";
import { limitOf } from "./colours.js";
import { decimalsFor, roundRowsToTotal, roundToTotal, rounded } from "./numbers.js";

// From so many filters on, there is room for one decimal less.
export const DENSE = 5;

/** How many decimals all numbers of one answer have. */
export function decimalsOf(one) {
  const dense = one.contributions.length >= DENSE || one.contributions[0].length >= DENSE;
  return Math.max(decimalsFor(Math.max(limitOf(one.contributions), Math.abs(one.logit))) - Number(dense), 0);
}

/** What is summed up, and to what; `kind` says what it is. */
function summed({ answer, spot }, one, shares) {
  const plain = { kind: "contribution", values: one.contributions, biases: [one.filterBias, one.classBias], total: one.logit };
  if (!spot || answer.question === "grounds") return plain;
  const [row, column] = spot;
  const { where } = answer;
  const pairs = where.pairs[row][column];
  if (answer.question === "shapley") {
    return { kind: "share", values: pairs, biases: [sum(where.filter_bias[row][column])], total: shares.regions[row][column] };
  }
  const decimals = decimalsOf(one);
  const lost = where.drop[row][column];
  // As the sentence has it: from what is shown before to what is shown after.
  const total = rounded(rounded(where.whole - lost, decimals) - rounded(where.whole, decimals), decimals);
  const values = pairs.map((line) => line.map((value) => -value));
  return { kind: "change", values, biases: [-lost - sum(values)], total };
}

/** {kind, decimals, cells, terms, total}: the cells add up to the first of the terms, the terms to the total. */
export function tableOf(now, one, shares) {
  const { kind, values, biases, total } = summed(now, one, shares);
  const decimals = decimalsOf(one);
  const terms = roundToTotal([sum(values), ...biases], total, decimals);
  const cells = roundRowsToTotal(values, terms[0], decimals);
  return { kind, decimals, cells, terms, total: rounded(total, decimals) };
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
