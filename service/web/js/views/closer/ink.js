// How much ink a number has.

/** From 0 to 1; `tone` is "ink" where 0 is paper, and "signed" where it is the middle grey. */
export function inkOf(value, limit, tone) {
  const share = limit > 0 ? value / limit : 0;
  return tone === "signed" ? (1 + share) / 2 : share;
}
