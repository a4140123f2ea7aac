// The ledger of one picture: any class, any class to compare with, from one answer of /explain/process.

import { sum } from "./arithmetic.js";

/** Nested arrays minus nested arrays of the same shape. */
function minus(one, other) {
  return Array.isArray(one) ? one.map((part, k) => minus(part, other[k])) : one - other;
}

/** What adds up to the target's logit or, with a class to compare with, to the difference of the two: the network is linear where it is. */
export function account(process, target, versus) {
  const of = (values) => (versus === null ? values[target] : minus(values[target], values[versus]));
  const contributions = of(process.contributions);
  return {
    contributions,
    maps: of(process.maps),
    pairs: sum(contributions),
    filterBias: sum(of(process.filter_bias)),
    classBias: of(process.class_bias),
    logit: of(process.logits),
    ranking: ranking(contributions),
  };
}

/** All pairs [conv1, conv2], the greatest contribution first; of equal ones, the lower numbers. */
function ranking(contributions) {
  const pairs = contributions.flatMap((row, i) => row.map((_, j) => [i, j]));
  return pairs.sort(([a, b], [c, d]) => contributions[c][d] - contributions[a][b] || a - c || b - d);
}

/** First and second place; none where no pair contributes anything. */
export function places(one) {
  return one.contributions.flat().some((value) => value !== 0) ? one.ranking.slice(0, 2) : [];
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

export function pairName([i, j]) {
  return `conv1[${i}]×conv2[${j}]`;
}
