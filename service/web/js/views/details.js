// The sentence below: what is looked at, in words.

import { pairName } from "../ledger.js";
import { decimalsFor, number } from "../numbers.js";
import { words } from "../words.js";
import { mode } from "./heatmap.js";

const details = document.getElementById("details");

export function showDetails(now, one) {
  const text = sentence(now, one);
  if (details.textContent !== text) details.textContent = text;
}

function sentence(now, one) {
  const said = words();
  const { answer, spot, pair } = now;
  if (!answer) return said.empty;
  const { occlusion } = answer;
  if (spot) return spotSentence(occlusion, spot);
  if (pair) {
    const value = one.contributions[pair[0]][pair[1]];
    const place = one.ranking.findIndex(([i, j]) => i === pair[0] && j === pair[1]) + 1;
    const { target, rival } = one;
    return said.pairDetail({ name: pairName(pair), value: number(value), target, rival, place, count: one.ranking.length });
  }
  return idleSentence(occlusion, mode(now) === "grounds");
}

function idleSentence({ target, critical, grounds }, shown) {
  const { regions: count, proof } = grounds;
  return words().idle({ target, count, kept: proof?.regions ?? 0, left: proof?.without.digit, shown, critical: critical.length });
}

function spotSentence(occlusion, [row, column]) {
  const drop = occlusion.drop[row][column];
  const digit = occlusion.prediction[row][column];
  const { predicted, target, baseline } = occlusion;
  if (drop === 0 && digit === predicted) return words().spotEmpty;
  const decimals = decimalsFor(baseline);
  const [before, after] = [number(baseline, decimals), number(baseline - drop, decimals)];
  return words().spot({ digit, predicted, target, before, after, change: number(-drop, decimals, true) });
}
