// Puts the page together: what is done leads to the state, the state to what is shown.

import { account, indexOf, sharesOf, tableOf } from "./answers/account.js";
import { Asker, card, models, QUESTIONS, useKey } from "./answers/asking.js";
import { percent } from "./answers/numbers.js";
import { Drawing, Pad } from "./drawing/drawing.js";
import { bringing, exampleOf } from "./drawing/pictures.js";
import { command, copy, fragment, handout, restored, save, showHandout } from "./drawing/sharing.js";
import { byId, fillOptions, latest, other, remember, speak, words, write, writeText } from "./shared.js";
import { onSystemTheme, theme } from "./painting.js";
import { onBeside, showBeside } from "./panels/beside.js";
import { showExample } from "./panels/example.js";
import { hide, showPlaying } from "./panels/grounds.js";
import { guessAgain, open, showGuess } from "./panels/guess.js";
import { showPairs } from "./panels/pairs.js";
import { present, showPresenting } from "./panels/presenting.js";
import { onQuestion, showDetails, showQuestion } from "./panels/question.js";
import { showReading } from "./panels/reading.js";
import { showHeatmap } from "./panels/regions.js";
import {
  classNames, explains, isDrawn, listed, nameOf, onChange, readsDigits, refresh, region, regions, set, state, takesColour, target, versus,
} from "./state.js";
import { openWalk, showWalk } from "./walk/walk.js";

const THEME = "konkyo-theme";
// Problems that are over when the service answers.
const WAITING = new Set(["unreachable", "busy", "unauthorized", "wrong-key"]);
// A drawing that has not changed for so long has paused: its link is kept then.
const PAUSE = 300;
// The buttons that save a picture: what they show, and its form.
const SAVES = ["ledger", "heatmap", "process"].flatMap((name) => [[`save-${name}`, name, "png"], [`save-${name}-svg`, name, "svg"]]);

const drawing = new Drawing();
const asker = new Asker(drawing, () => restore().then(start));
const pad = new Pad(byId("canvas"), drawing, changed, (word) => (byId("said").textContent = words()[word]));
// The fragment that the page has written itself.
let own = "";
const keeping = latest();
// What comes for the drawing: a picture, or what a link holds. Whoever draws meanwhile is not overtaken by it.
const coming = latest();
let pause;
let stroking = false;
// Regions that a link hides, until there is an answer with them.
let waiting = [];

function changed(settled) {
  stroking = !settled;
  waiting = [];
  coming();
  showTools();
  // What is asked about the example says nothing of what replaces it.
  if (state.example !== null && !drawing.example) set({ example: null, pinned: null, versus: null });
  // What was hidden of another drawing says nothing of this one.
  if (state.hidden.length) hide([]);
  guessAgain();
  asker.changed(settled);
}

function showTools() {
  byId("hint").hidden = !drawing.empty;
  byId("undo").disabled = drawing.steps.length === 0;
  byId("redo").disabled = drawing.undone.length === 0;
  byId("clear").disabled = drawing.visible.length === 0;
}

/** A new digit is asked about afresh: what was asked about the last one makes no sense for it. A network's own sample brings a class to compare with. */
function fresh(steps, versus = null) {
  if (drawing.visible.length) drawing.add({ clear: true });
  steps.forEach((step) => drawing.add(step));
  state.pinned = state.problem = null;
  state.versus = versus;
  pad.paint();
  changed(true);
}

/** Ask something else: what was guessed, hidden or pointed at says nothing of it. */
function ask(changes) {
  guessAgain();
  hide([]);
  set({ spot: null, ...changes });
  asker.ask();
}

/** Load what the page needs of the service, then ask; again whenever the service was away. */
async function start() {
  try {
    const list = await models();
    const known = list.models.some(({ name }) => name === state.model);
    const problem = WAITING.has(state.problem?.kind) ? null : state.problem;
    set({ models: list.models, activations: list.activations, usual: list.default, model: known ? state.model : list.default, problem });
    set(withoutUnknown(state));
  } catch (error) {
    showTools();
    asker.fail(error);
    return;
  }
  begin();
}

/** Without a link, begin with an example, which is there to be replaced; a link begins with what it says, be it nothing. */
async function begin() {
  const current = coming();
  const wanted = drawing.untouched && location.hash.length < 2 && readsDigits();
  const found = wanted ? await exampleOf(listed(state.model)).catch(() => null) : null;
  if (!current()) return;
  drawing.example = found && found.step;
  pad.paint();
  showTools();
  if (found) set({ example: found.truth, pinned: null, versus: found.versus });
  else if (state.example !== null) return changed(true);
  asker.ask();
}

/** Keep the address once the drawing pauses, and not while it changes. */
function keepSoon() {
  clearTimeout(pause);
  // The end of a stroke has an answer of its own.
  if (!stroking) pause = setTimeout(keepAddress, PAUSE);
}

/** A model and the classes that a link asks about, without classes that the model does not have. */
function withoutUnknown({ model, pinned, versus }) {
  const count = listed(model)?.classes.length ?? Infinity;
  const known = (number) => (number !== null && number < count ? number : null);
  return { model, pinned: known(pinned), versus: known(versus) };
}

async function restore() {
  if (location.hash === own || location.hash.length < 2) return;
  const current = coming();
  try {
    const { changes, steps, language } = await restored(location.hash);
    if (!current()) return;
    speak(language);
    // A link that names no network is about the usual one, whichever was looked at before.
    const model = changes.model ?? state.usual ?? state.model;
    fresh(steps);
    const known = !state.models.length || listed(model);
    const { hidden, present: view, ...asked } = changes;
    present(view);
    ask({ ...asked, ...withoutUnknown({ ...asked, model: known ? model : state.model }), region: changes.region ?? state.region });
    waiting = changes.question === "grounds" ? hidden : [];
  } catch (error) {
    if (!current()) return;
    asker.fail(error);
    // The link is taken once more when the service is there again.
    if (state.problem.kind === "unreachable") return;
  }
  own = location.hash;
}

/** Keep the address such that it restores the page: a reload loses nothing. */
async function keepAddress() {
  // The link of a brought picture holds what the network saw of it; and one that is still to be taken stays.
  if (asker.pending || (drawing.untouched && location.hash !== own)) return;
  const current = keeping();
  const next = drawing.example || (drawing.untouched && !location.hash) ? "" : await fragment(drawing, state.answer?.process.image, { ...state, region: region() });
  if (next === own || !current()) return;
  own = next;
  history.replaceState(null, "", next || location.pathname);
}

onChange((state) => {
  const asked = { target: target(), versus: versus() };
  const ledger = state.answer ? { ...account(state.answer.process, asked.target, asked.versus), ...asked } : null;
  // Of many pairs, the one that is looked at may not be among those that are shown any more.
  // While a region is guessed, nothing else says what it does.
  const now = { ...state, spot: open() ? null : state.spot, pair: ledger && state.pair && indexOf(ledger, state.pair) >= 0 ? state.pair : null };
  const scene = { now, ledger, ...sums(now, ledger) };
  showReading(now, target());
  pad.frame(showExample(now));
  showQuestion(now);
  showPairs(scene);
  showHeatmap(scene);
  showBeside(now);
  showPlaying(now);
  showGuess(scene);
  showDetails(scene);
  showPresenting();
});

/** What is shown as sums: {table, shares}. */
function sums(now, ledger) {
  if (!ledger) return { table: null, shares: null };
  const shared = now.answer.question === "shapley";
  const whole = shared ? sharesOf(now.answer, ledger) : null;
  const table = tableOf(now, ledger, whole);
  const { pair, spot } = now;
  const ofPair = shared && pair && !spot && now.answer.where.pairs;
  const shares = ofPair ? sharesOf(now.answer, ledger, table, pair) : whole;
  return { table, shares };
}

onChange(showSettings);

onChange(({ model, card: known }) => {
  if (!listed(model) || known?.name === model) return;
  // Who asks about a picture says what goes wrong.
  card(model).then((facts) => state.model === model && set({ card: facts }), () => {});
});

onChange(({ answer }) => {
  if (!waiting.length || answer?.question !== "grounds") return;
  const places = waiting;
  waiting = [];
  hide(places);
});

let shownSecond = null;
onChange(({ second, hidden }) => {
  if (second === shownSecond) return;
  shownSecond = second;
  // What is hidden is hidden for both.
  if (second && hidden.length) hide(hidden);
});

let shownAnswer = null;
let shownQuestion = "";
onChange((now) => {
  const question = [now.model, now.beside, region(), now.question, now.pinned, now.versus, now.present, now.guess !== null, ...now.hidden].join();
  if (now.answer === shownAnswer && question === shownQuestion) return;
  if (now.answer !== shownAnswer) showWalk();
  shownAnswer = now.answer;
  shownQuestion = question;
  keepSoon();
});

function showSettings(now) {
  const said = words();
  byId("language").textContent = other().name;
  byId("language").lang = other().tag;
  const { least, most } = regions();
  Object.assign(byId("region"), { min: least, max: most, value: region() });
  byId("region-label").textContent = said.region(region());
  const digit = now.answer?.process.predicted ?? null;
  byId("tagline").textContent = digit === null ? (isDrawn() ? said.taglineIdle : said.taglineBring) : said.tagline(nameOf(digit));
  const drawn = isDrawn();
  for (const name of ["tools", "hint"]) byId(name).classList.toggle("absent", !drawn);
  for (const name of ["samples-title", "samples"]) byId(name).classList.toggle("absent", !readsDigits());
  pad.locked = !drawn;
  if (pad.ownColours !== takesColour()) {
    pad.ownColours = takesColour();
    pad.paint();
  }
  byId("canvas").tabIndex = drawn ? 0 : -1;
  byId("canvas").setAttribute("role", drawn ? "application" : "img");
  if (drawn) byId("canvas").setAttribute("aria-describedby", "canvas-keys");
  else byId("canvas").removeAttribute("aria-describedby");
  byId("hide-one").hidden = now.question !== "occlusion";
  for (const name of Object.keys(QUESTIONS)) showChoice(name, now);
  const problem = now.problem ? said.problems[now.problem.kind] ?? (now.problem.detail || said.problems.refused) : "";
  writeText(byId("problem"), problem);
  byId("problem").hidden = !problem;
  showHandout(byId("save-heatmap-html"), now);
  byId("notice").hidden = !problem;
  byId("key-form").hidden = !["unauthorized", "wrong-key"].includes(now.problem?.kind);
  for (const id of ["walk", "link", "curl", "curl-heatmap", ...SAVES.map(([id]) => id), "save-heatmap-html"]) byId(id).disabled = !now.answer;
  const options = now.models.map(({ name, dataset, accuracy }) => {
    return [said.modelOption(name, dataset, accuracy === null ? null : percent(accuracy)), name];
  });
  fillOptions(byId("model"), options);
  byId("model").value = now.model ?? "";
}

/** A question about the regions; with the reason, if the network cannot be asked it. */
function showChoice(name, { question }) {
  const button = byId(`question-${name}`);
  const said = explains(name);
  button.setAttribute("aria-pressed", name === question);
  button.disabled = !said;
  button.title = said ? "" : words().cannotAsk;
}

function repaint() {
  pad.paint();
  refresh();
  showWalk();
}

byId("pen").addEventListener("click", () => choose(false));
byId("eraser").addEventListener("click", () => choose(true));
function choose(erasing) {
  pad.erasing = erasing;
  byId("pen").setAttribute("aria-pressed", !erasing);
  byId("eraser").setAttribute("aria-pressed", erasing);
}

/** Take the last step back, or put it there again: `way` is "undo" or "redo". */
function travel(way) {
  drawing[way]();
  pad.paint();
  changed(true);
}
for (const way of ["undo", "redo"]) byId(way).addEventListener("click", () => travel(way));
byId("clear").addEventListener("click", () => {
  fresh([]);
  choose(false);
});
document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || !(key === "z" || key === "y")) return;
  // In a field, what was typed is undone; and a drawing that is not seen stays as it is.
  if (event.target.matches("input:not([type=range])") || !byId("canvas").checkVisibility() || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  const way = key === "y" || event.shiftKey ? "redo" : "undo";
  if (!byId(way).disabled) travel(way);
});

byId("model").addEventListener("change", (event) => {
  // Another network may have other classes: what was asked about those of this one says nothing there.
  const { classes, input } = listed(event.target.value);
  const asked = classes.join() === classNames().join() ? {} : { pinned: null, versus: null };
  // On an image of another side, another region is usual.
  const sized = input.side === listed(state.model).input.side ? {} : { region: null };
  ask({ ...asked, ...sized, model: event.target.value });
  if (drawing.example) begin();
});
byId("region").addEventListener("input", (event) => ask({ region: Number(event.target.value) }));
for (const name of Object.keys(QUESTIONS)) byId(`question-${name}`).addEventListener("click", () => ask({ question: name }));
onQuestion(() => asker.ask());
onBeside(() => asker.ask());
byId("bars").addEventListener("click", () => asker.ask());

byId("language").addEventListener("click", () => {
  speak(other().tag, true);
  repaint();
});
byId("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark";
  remember(THEME, document.documentElement.dataset.theme);
  repaint();
});
onSystemTheme(repaint);
window.addEventListener("storage", ({ key }) => key === THEME && repaint());

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value);
  byId("key").value = "";
  // The form goes away with a right key; the focus would be nowhere.
  start().then(() => byId("key-form").hidden && byId("canvas").focus());
});

byId("walk").addEventListener("click", openWalk);
for (const id of ["link", "present-link"]) {
  byId(id).addEventListener("click", async () => {
    const whole = new URL(await fragment(drawing, state.answer.process.image, { ...state, region: region() }), location.href);
    copy(whole.href, state.present ? words().linkCopiedShort : words().linkCopied);
  });
}
for (const [id, part] of [["curl", "ledger"], ["curl-heatmap", "heatmap"]]) {
  byId(id).addEventListener("click", async () => copy(await command(part, asker.shown), words().curlCopied));
}
for (const [id, name, form] of SAVES) {
  byId(id).addEventListener("click", () => save(name, form, asker.shown).catch((error) => asker.fail(error)));
}
byId("save-heatmap-html").addEventListener("click", () => handout(byId("save-heatmap-html"), asker.shown).catch((error) => asker.fail(error)));
// Ink on paper is dark: what is drawn in the colours of the theme is drawn anew.
const kept = { theme: null };
window.addEventListener("beforeprint", () => {
  kept.theme = document.documentElement.dataset.theme ?? "";
  document.documentElement.dataset.theme = "light";
  refresh();
});
window.addEventListener("afterprint", () => {
  if (kept.theme) document.documentElement.dataset.theme = kept.theme;
  else delete document.documentElement.dataset.theme;
  refresh();
});
bringing(coming, (step, versus) => fresh([step], versus), (error) => asker.fail(error));
window.addEventListener("hashchange", restore);

write();
refresh();
restore().then(start);
