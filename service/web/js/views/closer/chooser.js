// A row of small maps, one of which is chosen.

import { limitOf } from "../../colours.js";
import { paintDigit, tile } from "../../tiles.js";
import { element } from "./grid.js";
import { inkOf } from "./ink.js";

/** A small map in ink. */
export function painted(map, limit, tone) {
  const small = tile(map.length);
  paintDigit(small, map.map((line) => line.map((value) => inkOf(value, limit, tone))));
  return small;
}

/** Buttons with a group's name; `chosen` is called with the number of one. */
export function chooser({ name, maps, tone }, current, chosen) {
  const group = element("div", "chooser");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", name);
  const limit = limitOf(maps);
  const buttons = maps.map((map, k) => {
    const button = element("button", "plain");
    button.type = "button";
    button.setAttribute("aria-label", `${name} ${k}`);
    button.setAttribute("aria-pressed", k === current);
    button.append(painted(map, limit, tone));
    button.addEventListener("click", () => chosen(k));
    return button;
  });
  group.append(element("span", "name", name), ...buttons);
  return group;
}
