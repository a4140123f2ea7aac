// Numbers into text, as service/drawing/canvas.py writes them.

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

/** The fewest decimals with which the rounded terms add up to the rounded total: a sum on a page must be right. */
export function addingDecimals(terms, total) {
  const usual = decimalsFor([...terms, total].reduce((most, value) => Math.max(most, Math.abs(value)), 0));
  for (let decimals = usual; decimals <= MOST_DECIMALS; decimals += 1) {
    const round = (value) => Math.round(value * 10 ** decimals);
    if (terms.reduce((sum, value) => sum + round(value), 0) === round(total)) return decimals;
  }
  return usual;
}
