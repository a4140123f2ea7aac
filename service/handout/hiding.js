const data = JSON.parse(document.getElementById("data").textContent);
const { classes, side, boxes, players, words } = data;
const count = classes.length;
const games = data.games.map(({ players, table }) => {
  const bytes = Uint8Array.from(atob(table), (one) => one.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return { players, table: Float64Array.from({ length: bytes.length / 8 }, (_, place) => view.getFloat64(8 * place, true)) };
});

/** The logits with these regions hidden: the constant, and one row of each small game. */
function logitsWithout(hidden) {
  const logits = Float64Array.from(data.constant);
  for (const { players, table } of games) {
    let row = 0;
    players.forEach((player, bit) => { if (!hidden.has(player)) row += 2 ** bit; });
    for (let one = 0; one < count; one += 1) logits[one] += table[row * count + one];
  }
  return logits;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const hidden = new Set();
const picture = document.getElementById("image");
const buttons = new Map(players.map((player) => {
  const [left, top, right, bottom] = boxes[player];
  const button = document.createElement("button");
  button.type = "button";
  button.style.cssText = `left:${100 * left / side}%;top:${100 * top / side}%;` +
    `width:${100 * (right - left) / side}%;height:${100 * (bottom - top) / side}%`;
  const [row, column] = [Math.floor(player / data.columns), player % data.columns];
  button.setAttribute("aria-label", fill(words.region, { row: row + 1, column: column + 1 }));
  button.addEventListener("click", () => showWithout(hidden.has(player) ? without(player) : [...hidden, player]));
  document.querySelector(".image").append(button);
  return [player, button];
}));
const without = (player) => [...hidden].filter((one) => one !== player);

const rows = classes.map((name) => {
  const row = document.querySelector(".classes").insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  row.append(head);
  const bar = row.insertCell();
  bar.className = "bar";
  bar.append(document.createElement("div"));
  bar.firstChild.append(document.createElement("div"));
  row.insertCell();
  return row;
});

/** Hide exactly these regions, and show what is predicted without them. */
function showWithout(regions) {
  hidden.clear();
  regions.forEach((one) => hidden.add(one));
  // The part of the image that is still there, as a path around the visible pixels.
  const holes = [...hidden].map((one) => {
    const [left, top, right, bottom] = boxes[one].map((edge) => `${100 * edge / side}%`);
    return `${left} ${top},${left} ${bottom},${right} ${bottom},${right} ${top},${left} ${top},0% 0%`;
  });
  picture.style.clipPath = `polygon(evenodd,0% 0%,100% 0%,100% 100%,0% 100%,0% 0%${holes.map((one) => `,${one}`).join("")})`;
  buttons.forEach((button, player) => button.setAttribute("aria-pressed", String(hidden.has(player))));
  const logits = [...logitsWithout(hidden)];
  const shares = softmax(logits);
  const written = percents(shares);
  const predicted = predictedOf(logits);
  rows.forEach((row, one) => {
    row.className = one === predicted ? "first" : "";
    row.cells[1].firstChild.firstChild.style.width = `${100 * shares[one]}%`;
    row.cells[2].textContent = written[one];
  });
  const values = { count: hidden.size, players: players.length, name: classes[predicted], share: written[predicted] };
  document.getElementById("answer").textContent = fill(words.predicted, values);
  return predicted;
}

document.getElementById("all").addEventListener("click", () => showWithout([]));
document.getElementById("none").addEventListener("click", () => showWithout(players));
document.getElementById("kept").addEventListener("click", () => showWithout(players.filter((one) => !data.kept.includes(one))));
document.getElementById("contrast").addEventListener("click", () => showWithout(data.contrast));
document.getElementById("contrast").hidden = !data.contrast.length;
showWithout(data.hidden);
