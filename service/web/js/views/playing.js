// The grounds are played with: buttons that hide and show, and what is read then.

import { hide, includes } from "../hiding.js";
import { percent } from "../numbers.js";
import { nameOf, state } from "../state.js";
import { words } from "../words.js";

const at = (id) => document.getElementById(id);
const panel = at("playing");
const live = at("live");

function others({ players, sufficient }) {
  return players.filter((place) => !includes(sufficient.regions, place));
}

at("hide-others").addEventListener("click", () => hide(others(state.answer.where)));
at("hide-contrast").addEventListener("click", () => hide(state.answer.where.contrast.regions));
at("show-all").addEventListener("click", () => hide([]));

export function showPlaying({ answer, question, hidden, live: now }) {
  panel.hidden = question !== "grounds";
  const where = answer?.question === "grounds" ? answer.where : null;
  at("hide-others").disabled = !where || !others(where).length;
  at("hide-contrast").disabled = !where?.contrast;
  at("show-all").disabled = !where || !hidden.length;
  const said = words();
  const predicted = now?.predicted ?? where?.predicted;
  let text = "";
  if (where && !hidden.length) text = said.liveNothing(nameOf(predicted));
  else if (where && now) text = said.live({ count: hidden.length, predicted: nameOf(predicted), share: percent(now.probability), stays: predicted === where.predicted });
  // Written only when it changes, so that a screen reader says it once.
  if (live.textContent !== text && (text || !where)) live.textContent = text;
}
