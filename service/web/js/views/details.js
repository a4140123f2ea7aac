// What is looked at, in words.

import { limitOf } from "../colours.js";
import { pairName } from "../ledger.js";
import { decimalsFor, number } from "../numbers.js";
import { words } from "../words.js";

const details = document.getElementById("details");

export function showDetails(now, one) {
  const text = sentence(now, one);
  if (details.textContent !== text) details.textContent = text;
}

function sentence({ answer, spot, pair }, one) {
  const said = words();
  if (!answer) return said.empty;
  const { occlusion } = answer;
  if (spot) return spotSentence(said, occlusion, spot);
  if (pair) return pairSentence(said, one, pair);
  const { target, versus = null, predicted, critical, drop } = occlusion;
  return said.idle({ target, versus, predicted, critical: critical.length, ink: limitOf(drop) > 0 });
}

function pairSentence(said, { target, versus, contributions, ranking }, [i, j]) {
  const place = ranking.findIndex(([a, b]) => a === i && b === j) + 1;
  const value = number(contributions[i][j]);
  return said.pairDetail({ name: pairName([i, j]), value, target, versus, place, count: ranking.length });
}

function spotSentence(said, { predicted, target, versus = null, whole, drop, prediction }, [row, column]) {
  const [lost, left] = [drop[row][column], prediction[row][column]];
  if (lost === 0 && left === predicted) return said.spotEmpty;
  const decimals = decimalsFor(whole);
  const [before, after] = [number(whole, decimals), number(whole - lost, decimals)];
  return said.spot({ left, predicted, target, versus, before, after, change: number(-lost, decimals, true) });
}
