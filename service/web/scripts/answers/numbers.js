// How numbers are rounded and written, as models/rounding.py does it: both are tested with the cases of tests/data/rounding.json. And
// probabilities. Nothing is imported here: the handout, which works without the service, holds this text.

// Numbers that need more decimals, and numbers from a million on, are written as 1.2e−07.
const MOST_DECIMALS = 4;
const LARGEST = 1e6;
// Ten to a higher power is no number of a computer's.
const MOST_POWER = 300;
// Units of the last decimal are counted in so many parts. What is less is an error of floating point: it must not take a half for less
// than a half, nor a whole number for one just below it.
const PARTS = 1e6;

export function clip(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/** How many decimals numbers of this size need: two, fewer from 100 on, more below 0.1. */
export function decimalsFor(value) {
  const exponent = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
  return exponent >= -1 ? clip(3 - exponent, 0, 2) : Math.min(1 - exponent, MOST_POWER);
}

/**
 * How many decimals all numbers of a sum have: as many as the greatest of them needs; but at least as many, up to four, as show what the
 * greatest part is. `greatest` is the greatest absolute value of the parts.
 */
export function decimalsOfSum(greatest, total) {
  const [decimals, needed] = [decimalsFor(Math.max(greatest, Math.abs(total))), decimalsFor(greatest)];
  return needed > decimalsFor(1) ? Math.max(decimals, Math.min(needed, MOST_DECIMALS)) : decimals;
}

/** A number with so many decimals, halves away from zero. */
export function rounded(value, decimals) {
  const units = 10 ** decimals;
  const whole = Math.floor(Math.floor(Math.abs(value) * units * PARTS + 0.5) / PARTS + 0.5);
  return (Math.sign(value) * whole) / units;
}

/** A number with fixed decimals and a true minus; what rounds to zero has no sign. */
export function number(value, decimals = decimalsFor(value), sign = false) {
  const short = (decimals > MOST_DECIMALS && value !== 0) || Math.abs(value) >= LARGEST;
  const shown = Math.min(decimals, MOST_DECIMALS);
  const text = short ? withExponent(Math.abs(value)) : Math.abs(rounded(value, shown)).toFixed(shown);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? "−" : sign ? "+" : "") + text;
}

/** 1.2e−07: one decimal, and two digits of exponent or more. */
function withExponent(size) {
  const [digits, exponent] = size.toExponential(1).split("e");
  return `${digits}e${exponent[0] === "-" ? "−" : "+"}${exponent.slice(1).padStart(2, "0")}`;
}

/** e to the power of this, with two digits and a power of ten: the number itself may be too large for a computer. */
export function scientific(logarithm) {
  const power = logarithm / Math.LN10;
  const [digits, exponent] = (10 ** (power - Math.floor(power))).toExponential(1).split("e");
  const whole = Math.floor(power) + Number(exponent);
  return `${digits}×10${[...String(whole)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`;
}

/** A share of 1 as 12.5%. */
export function percent(share) {
  return `${number(100 * share, 1)}%`;
}

/** Shares of 1 as percentages that add up to 100.0% as they are shown. */
export function percents(shares) {
  return roundToTotal(shares, 1, 3).map(percent);
}

/**
 * The values rounded so that they add up to the rounded total: the method of the largest remainder.
 *
 * Each is rounded down, and those with the largest remainders are rounded up, of equal ones the first. A total that is itself shown one
 * unit off, because it is a part of another sum, is still met. A sum that does not hold is not made to hold.
 */
export function roundToTotal(values, total, decimals) {
  const units = 10 ** decimals;
  const parts = values.map((value) => Math.floor(value * units * PARTS + 0.5));
  const whole = parts.map((value) => Math.floor(value / PARTS));
  const missing = Math.round(rounded(total, decimals) * units) - whole.reduce((sum, value) => sum + value, 0);
  if (!values.length || missing < -1 || missing > values.length + 1) return values.map((value) => rounded(value, decimals));
  // What is nothing stays nothing.
  const remainders = parts.map((value, k) => (value === 0 ? -1 : value - PARTS * whole[k]));
  const order = [...values.keys()].sort((a, b) => remainders[b] - remainders[a]);
  for (let k = 0; k < missing; k += 1) whole[order[k % order.length]] += 1;
  if (missing < 0) whole[order[Math.max(parts.filter((value) => value !== 0).length, 1) - 1]] -= 1;
  return whole.map((value) => value / units);
}

/** The same for rows of values. */
export function roundRowsToTotal(rows, total, decimals) {
  return rowsLike(rows, roundToTotal(rows.flat(), total, decimals));
}

/** A list of values in rows as long as these. */
export function rowsLike(rows, flat) {
  return rows.map((row, k) => flat.slice(k * row.length, (k + 1) * row.length));
}

/**
 * A sum of many parts and few further terms, rounded so that it holds as it is shown: {decimals, parts, others, terms, total}.
 *
 * The terms add up to the total, and the parts with the others to the first term. `rest` is what is added to the parts, and `others` the
 * parts that are shown as one number, or null.
 */
export function roundedSum(parts, rest, total, decimals, others = null) {
  const each = others === null ? parts : [...parts, others];
  const terms = roundToTotal([each.reduce((sum, value) => sum + value, 0), ...rest], total, decimals);
  const shown = roundToTotal(each, terms[0], decimals);
  return { decimals, parts: shown.slice(0, parts.length), others: others === null ? null : shown.at(-1), terms, total: rounded(total, decimals) };
}

/**
 * The end of a scale that is centred on zero, as it is written: {value, decimals}. It is the greatest of the numbers that stand beside
 * the scale, as they are `shown`; where there are none, or all are shown as zero, it is the limit with decimals of its own.
 */
export function endOfScale(limit, decimals = 0, shown = []) {
  const most = shown.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return most ? { value: most, decimals } : { value: limit, decimals: decimalsFor(limit) };
}

/** The indices of values, the largest first; ties within rounding in their own order, as `order` of models/ties.py. */
export function order(values) {
  const ranks = [...values.keys()].sort((one, other) => values[other] - values[one]);
  const rounding = 1e-12 * values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
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

/** The logarithm of the sum of e to the power of each logit. */
export function logSum(logits) {
  const most = Math.max(...logits);
  return most + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

/** Probabilities from logits. */
export function softmax(logits) {
  const whole = logSum(logits);
  return logits.map((value) => Math.exp(value - whole));
}
