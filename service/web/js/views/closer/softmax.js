// Softmax calculated: the logits, e to the power of each, and the share of each in their sum.

import { limitOf } from "../../colours.js";
import { logSum, softmax } from "../../ledger.js";
import { decimalsFor, number, percent, scientific } from "../../numbers.js";
import { nameOf } from "../../state.js";
import { words } from "../../words.js";
import { element } from "./grid.js";

// Smaller shares would all read 0.0 %.
const SMALL = 0.0005;

function power(text) {
  const whole = element("span", "", "e");
  whole.append(element("sup", "", text));
  return whole;
}

function row(className, name, cells) {
  const whole = element("tr", className);
  const head = element("th", "", name);
  head.scope = "row";
  whole.append(head, ...cells.map((text) => element("td", "", text)));
  return whole;
}

function share(logarithm) {
  const value = Math.exp(logarithm);
  return value < SMALL ? `${scientific(logarithm + Math.log(100))}%` : percent(value);
}

/** Fill a box with the table of one picture. */
export function showSoftmax(box, { logits, predicted }) {
  const said = words();
  const decimals = decimalsFor(limitOf(logits));
  const whole = logSum(logits);
  const table = element("table", "softmax");
  table.dataset.testid = "softmax";
  const head = element("tr", "");
  const names = [said.closer.class, "", "", ""].map((name) => Object.assign(element("th", "", name), { scope: "col" }));
  names[1].append(said.layers[6], " ", element("i", "", "z"));
  names[2].append(power("z"));
  names[3].append(power("z"), ` ÷ ${said.closer.sumOfAll}`);
  head.append(...names, element("td", ""));
  table.createTHead().append(head);
  const body = table.createTBody();
  softmax(logits).forEach((value, each) => {
    const logarithm = logits[each] - whole;
    const cells = [number(logits[each], decimals), scientific(logits[each]), share(logarithm)];
    const line = row(each === predicted ? "winner" : "", nameOf(each), cells);
    const bar = element("td", "track");
    const fill = element("span", "fill");
    fill.style.width = `${100 * value}%`;
    bar.append(fill);
    line.append(bar);
    body.append(line);
  });
  const foot = row("", said.closer.sumOfAll, ["", scientific(whole), percent(1)]);
  foot.append(element("td", ""));
  table.createTFoot().append(foot);
  box.className = "closer last";
  box.replaceChildren(table);
}
