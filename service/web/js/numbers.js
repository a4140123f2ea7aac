// Numbers into text, as service/drawing/primitives/canvas.py and layout/sums.py write them.

const MOST_DECIMALS = 4;

/** How many decimals numbers of this size need: two, fewer from 100 on, more below 0.1. */
export function decimalsFor(value) {
  const exponent = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
  return exponent >= -1 ? Math.min(Math.max(3 - exponent, 0), 2) : Math.min(1 - exponent, MOST_DECIMALS);
}

/** A number with fixed decimals and a true minus; what rounds to zero has no sign. */
export function number(value, decimals = decimalsFor(value), sign = false) {
  const text = Math.abs(value).toFixed(decimals);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? "−" : sign ? "+" : "") + text;
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

/** The same for rows of values. */
export function roundRowsToTotal(rows, total, decimals) {
  const flat = roundToTotal(rows.flat(), total, decimals);
  return rows.map((row, k) => flat.slice(k * row.length, (k + 1) * row.length));
}
