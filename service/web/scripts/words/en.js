// All words of the page in English. Functions take the numbers that stand in a sentence.

/** A whole number. */
const whole = (value) => value.toLocaleString("en");

const times = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;

// Numbers that begin with eight, eleven and eighteen; single letters by their names; words by their first sound.
const WITH_AN = /^(8\d*|1[18](\d{3})*|[aefhilmnorsx]|(?!(u[bcfhjkqrst][aeiou]|uni|eu|ewe|one|once)|\w$)[aeiou].*|(hour|honest|heir|honou?r).*)$/i;

/** A name with its article. */
const a = (name) => `${WITH_AN.test(name) ? "an" : "a"} ${name}`;

/** A name at the start of a sentence. */
const capital = (name) => name.charAt(0).toUpperCase() + name.slice(1);

/** What falls or rises when something is hidden; `versus` is the class to compare with, or null. */
const score = (target, versus) => (versus === null ? `the logit of ${target}` : `the lead of ${target} over ${versus}`);

/** What the panels show: the table of pairs may be absent. */
const shows = (table) =>
  table
    ? "The table shows what each pair of filters adds to the answer; the map, what hiding a part of the picture does to it."
    : "The map shows what hiding a part of the picture does to the answer.";

/** Regions that work together with the one that is looked at, and against it: how many, and the strongest value of each. */
const together = ({ more, less, most, least }) =>
  more + less === 0
    ? "It works by itself: with every other region its interaction is 0."
    : `${[more && `With ${more} it adds more together than each alone (teal lines, up to ${most})`, less && `${more ? "with" : "With"} ${less} less (ochre, down to ${least})`].filter(Boolean).join(", ")}. With far ones it is exactly 0.`;

/** That numbers go through activations; nothing where there are none. */
const activated = (activations) => (activations.length ? `Each number goes through ${activations.join(", then ")}.` : "");

export default {
  language: "English",
  tagline: (name) => `Why did the network read this as ${a(name)}?`,
  taglineIdle: "Draw a digit and see why a small network reads it as it does.",
  taglineBring: "Bring a picture and see why a small network reads it as it does.",
  network: "Network",
  modelOption: (name, dataset, accuracy) => [name, dataset, accuracy ? `reads ${accuracy}` : "not measured"].filter(Boolean).join(" · "),
  otherTheme: "Switch between light and dark",

  drawingTitle: "Your digit",
  canvas: "Drawing area",
  canvasKeys: "Draw with mouse, finger or pen; or with the arrow keys: Space puts the pen down and lifts it, Shift makes fine steps.",
  penDown: "Pen down",
  penUp: "Pen up",
  hint: "Draw a digit",
  example: ({ truth, predicted, turns }) => `This ${truth} is read as ${a(predicted)}.${turns ? `\nHiding this region makes it ${a(truth)}.` : ""}`,
  drawYourOwn: "Draw your own.",
  tool: "Tool",
  pen: "Pen",
  eraser: "Eraser",
  undo: "Undo",
  redo: "Redo",
  clear: "Clear",
  samples: "Test digits",
  pictures: "Pictures",
  right: "Read by this network, misread by another",
  misread: "Misread by this network: truth → reading",
  sample: (digit) => capital(a(String(digit))),
  rightSample: (digit, other) => `${capital(a(digit))} that another network reads as ${a(other)}`,
  misreadSample: (truth, digit) => `${capital(a(truth))} that is read as ${a(digit)}`,
  choose: "Choose a picture…",
  orDrop: "or drop or paste",

  resultTitle: "The reading",
  seen: "what it sees",
  seenLabel: (side) => `The ${side}×${side} pixels that the network sees`,
  read: { probability: (share) => `with ${share}`, logit: (value) => `logit ${value}` },
  unit: "What the bars show",
  probability: "Probability",
  logits: "Logit",
  nothingRead: "nothing yet",
  fitted: "cropped, scaled, centred",
  asIs: (side) => `${side}×${side}, taken as it is`,
  resized: "all of it, resized",
  padded: "all of it, resized, with margins to a square",
  inverted: "read as light on dark",
  // By the codes of the service.
  warnings: {
    empty: "nothing stands out from its background",
    "bright-border": "its border is bright, and the network takes images as they are",
    "mostly-ink": "more than half of it is ink",
    "several-pieces": "may be more than one digit",
    "unlike-training-images": "unlike the training images",
    "several-digits": "more than one thing was found: the largest was read",
  },
  bars: "The classes with their probabilities; choose one to ask why",
  bar: (digit, share) => `${digit}: ${share}. Why ${digit}?`,
  copyLink: "Copy link",
  copyCurl: "Copy the curl command that gives this answer",
  linkCopied: "The link restores this drawing. It holds all of it: nothing is stored anywhere.",
  linkCopiedShort: "The link is copied.",
  curlCopied: "The command gives the same answer in a shell.",
  copyByHand: "To copy",
  saved: { png: "Saved.", svg: "Saved.", html: "Saved." },
  close: "Close",

  whyTitle: "The explanation",
  question: ["Why", "and not", "?"],
  another: "another",
  targetLabel: "The class to explain",
  versusLabel: "The class to compare with",
  pairsTitles: {
    contribution: "What each filter pair adds",
    change: "Change when it is hidden",
    share: "What each pair gets of it",
  },
  pairs: "Filter pairs: a map that enters the last stage, and a filter of the last stage",
  map: (number) => `map ${number}`,
  filter: (number) => `filter ${number}`,
  stage: (number) => `stage ${number}`,
  pairName: ([map, filter]) => `map ${map} × filter ${filter}`,
  pairShort: ([map, filter]) => `${map}×${filter}`,
  otherPairs: (count) => `${whole(count)} others`,
  otherMaps: (count) => `and ${count} others`,
  otherClasses: (count) => `and ${count} others`,
  // What a stage makes: of paired wiring a map for each map that it is given.
  mapOf: (stage, { input, filter }) => `stage ${stage}, ${input === undefined ? "" : `map ${input} × `}filter ${filter}`,
  pooled: (name) => `${name}, pool`,
  activated: (name, behind) => [name, ...behind].join(", "),
  channels: ["red", "green", "blue"],
  pairsKeys: "Arrow keys go from pair to pair.",
  pair: (name, value) => `${name}: ${value}`,
  saveLedgerPng: "Save the table of pairs as PNG",
  saveLedgerSvg: "Save the table of pairs as SVG",
  saveHeatmapPng: "Save the map as PNG",
  saveHeatmapSvg: "Save the map as SVG",
  saveHandout: "Save as a page that works without the service",
  saveProcessPng: "Save the figure as PNG",
  saveProcessSvg: "Save the figure as SVG",
  handout: (size) => (size ? `Save ${size}` : "HTML"),
  kilobytes: (size) => `${whole(size)} kB`,
  handoutReady: (size) => `A page that works without the service, ${size}. Press again to save it.`,
  totals: { change: "change", share: "the region" },
  terms: (pairs, classes) => [times(pairs, "pair"), "filter biases", classes === 1 ? "class bias" : "class biases"],
  logit: (digit) => `logit ${digit}`,
  difference: (digit, other) => `logit ${digit} −\u00a0logit\u00a0${other}`,
  first: (name) => `first: ${name}`,
  second: (name) => `second: ${name}`,
  secant: (name) => `Parts of ${name} are those of a secant: their sum is exact, their slope is not the gradient’s.`,
  typicality: (digit, percent) => `Of the ${/^\d+$/.test(digit) ? `${digit}s` : `images of ${digit}`} that are read correctly, ${percent}% use the filters in a less typical way.`,

  where: (digit) => `What speaks for ${digit}`,
  whereOther: (digit) => `What would speak for ${digit}`,
  whereVersus: (digit, other) => `What speaks for ${digit} and not ${other}`,
  whereEmpty: "What speaks for it",
  regionQuestion: "The question about the regions",
  askOcclusion: "Hide one",
  askShapley: "Fair shares",
  askGrounds: "Proven grounds",
  cannotAsk: "This network cannot be asked that.",
  sharesOf: (digit, other) => (other === null ? `What each region adds to ${digit}` : `What each region adds to ${digit} and not ${other}`),
  groundsOf: (digit) => `The grounds of the ${digit}`,
  scaleShare: "Shapley value",
  emptyPicture: (name) => `empty (${a(name)})`,
  regions: (count) => times(count, "region"),
  legendInk: "ink",
  legendCritical: "one region hidden in here: the tag is read",
  legendShare: (side) => `what the region adds; ${side}×${side} pixels`,
  legendCell: "what the cell adds to the pair",
  legendGround: "ground",
  legendContrast: (name) => `contrast: becomes ${a(name)}`,
  legendHidden: "hidden",
  hideOthers: "Hide others",
  hideContrast: "Hide contrast",
  showAll: "Show all",
  liveNothing: (digit) => `Nothing is hidden: ${digit} is read.`,
  live: ({ count, predicted, share, stays }) => `${times(count, "region")} hidden: ${stays ? "still" : "now"} ${a(predicted)}, ${share}.`,
  heatmap: "The picture with what its regions do to the reading",
  heatmapKeys: "Arrow keys go from region to region; Escape leaves.",
  scaleDrop: (digit, other) => (other === null ? "drop in logit" : `drop in logit\u00a0${digit} − logit\u00a0${other}`),
  scaleCell: "per cell",
  region: (side) => `Hide ${side}×${side} pixels`,

  emptyBring: (table) => `Choose a picture of what this network knows. ${shows(table)}`,
  noInk: "There is no ink: hiding a region changes nothing.",
  empty: (table) => `Draw a digit, or take one of the test digits. ${shows(table)}`,
  idlePairs: ({ target, versus }) => `Each map is a filter pair: its teal cells add to ${score(target, versus)}, its ochre ones take from it. Point at a pair to see its share.`,
  idle: ({ target, versus, predicted, critical, ink, table }) =>
    [
      ink
        ? `Hiding a teal region lowers ${score(target, versus)}, hiding an ochre one raises it.`
        : "There is no ink: hiding a region changes nothing.",
      critical
        ? `Without ${critical === 1 ? "the outlined region" : `any one of the ${critical} outlined regions`} something else is read: what is on its tag.`
        : ink && `Whichever one is hidden, it is still read as ${predicted}.`,
      table ? "Point at a pair or at a region to see how they meet." : "Point at a region to see what is read without it.",
    ].filter(Boolean).join(" "),
  spot: ({ left, predicted, target, versus, before, after, change, split }) =>
    `Without this region ${left === predicted ? `it is still read as ${left}` : `${a(left)} is read`}; ${score(target, versus)} goes from ${before} to ${after} (${change}).${split ? ` The table shows what each pair loses or gains for ${versus === null ? `the ${target}` : "it"}.` : ""}`,
  spotEmpty: "There is no ink in this region: hiding it changes nothing.",
  pairDetail: ({ name, value, target, versus, place, count, cells, cell }) =>
    `${capital(name)} adds ${value} to ${versus === null ? `the ${target}` : score(target, versus)}, place ${whole(place)} of ${whole(count)}. Each of its ${cells} cells stands on the part of the picture that it looks at.${cell ? ` The largest is weight ${cell.weight} × activation ${cell.activation} = ${cell.value}.` : ""}`,

  shapley: ({ target, versus, empty, share, table }) =>
    `Regions become visible one after the other; a region’s fair share of ${score(target, versus)} is what it adds, averaged over every order. Exact, over all combinations. With everything hidden the network reads ${a(empty)} (${share}): the sum starts there. ${table ? "Point at a region or at a pair: both add up." : "Point at a region."}`,
  share: ({ target, versus, value, split, works, brief }) =>
    `This region adds ${value} to ${score(target, versus)}${brief ? "" : ", averaged over every order of showing the regions"}.${split ? " The table shows what each pair gets of it." : ""}${works ? ` ${together(works)}` : ""}`,
  together: "Links",
  legendTogether: "together more",
  legendAgainst: "together less",
  shareNone: "Hiding this region changes no pixel: it adds nothing.",
  pairShares: ({ name, value, target, versus, empty, all }) =>
    `${capital(name)} adds ${value} to ${score(target, versus)}: ${empty} on the empty picture, and ${all} from the regions. The map shows where they come from.`,
  grounds: ({ predicted, kept, players, combinations, status, contrast, empty, share, other, versus }) => {
    const free = players - kept;
    const rest = free === 1 ? "the other one is" : `the other ${free} are`;
    const proof = kept ? (status === "smallest" ? " Proven: no smaller set suffices." : " Proven: none of them can be left out.") : "";
    const stays = `it stays ${a(predicted)}`;
    return [
      other ? `Grounds are those of the ${predicted} that is read, not of the class asked about above.` : versus === null ? "" : `The grounds of the ${predicted} hold against every class, not only against ${versus}.`,
      !kept ? `No region is needed: however the ${players} are hidden, ${stays}.`
        : free ? `${kept} of ${times(players, "region")} ${kept === 1 ? "proves" : "prove"} it: however ${rest} hidden, in any of ${whole(combinations)} ways, ${stays}.${proof}`
        : `All ${players} regions are needed.`,
      contrast
        ? `With ${contrast.count === 1 ? "the dashed region" : `the ${contrast.count} dashed regions`} hidden, ${contrast.predicted} is read${contrast.count === 1 ? "." : "; hiding fewer never changes the answer."}`
        : `Whatever is hidden, ${stays}.`,
      `With everything hidden, ${empty} is read (${share}).`,
      players ? "Try it: click on regions." : "",
    ].filter(Boolean).join(" ");
  },
  groundsNone: "Hiding this region changes no pixel.",
  groundsHide: ({ ground, predicted }) => `${ground ? `This region is one of the grounds of the ${predicted}. Another set of regions may prove it too. ` : ""}Click to hide this region, and watch what is read.`,
  groundsShow: "Click to show this region again.",

  besideLabel: "Another network beside it",
  besideChoose: "Compare with…",
  besideNone: "Compare no more",
  networkReads: (model, name, share) => `${model} reads ${a(name)}, with ${share}`,
  besideGrounds: ({ kept, players, change }) =>
    `${kept} of ${times(players, "region")} ${kept === 1 ? "proves" : "prove"} it. ${change ? `With ${change.count === 1 ? "one" : change.count} hidden, ${a(change.predicted)} is read.` : "Nothing that is hidden changes it."}`,
  besideShapley: ({ empty, share }) => `What each region adds, averaged over every order, exactly. With everything hidden, ${a(empty)} is read (${share}).`,
  besideOcclusion: ({ predicted, critical }) =>
    critical ? `Without ${critical === 1 ? "the outlined region" : `any one of ${critical} outlined regions`} something else is read.` : `Whichever one is hidden, it is still read as ${a(predicted)}.`,

  guessFirst: "Guess first",
  guessTitle: "Your guess",
  guessWithout: "Without it:",
  guessShow: "Show the answer",
  guessAgain: "Guess again",
  legendGuess: "guessed",
  guess: {
    occlusion: ({ predicted }) => `What is read without one region? Click on a region of the ${predicted} to mark it, and choose what you expect.`,
    shapley: ({ target, versus }) => `Which regions add most to ${score(target, versus)}? Click on them.`,
    grounds: ({ predicted }) => `Which regions prove that it is ${a(predicted)}? Click on as few as are enough: whatever is hidden of the others, it must stay ${a(predicted)}.`,
  },
  guessedNothing: "Nothing was marked.",
  guessedOcclusion: ({ left, digit, right }) => `Without the marked region ${a(left)} is read${digit === null ? "." : right ? ", as guessed." : `; guessed was ${a(digit)}.`}`,
  guessedGrounds: ({ count, hit, kept }) => `${times(count, "region")} guessed; ${hit} of the ${kept === 1 ? "one ground is" : `${kept} grounds are`} among them.`,
  guessedShapley: ({ count, own, best }) => (count === 1 ? `The guessed region adds ${own}; the greatest adds ${best}.` : `The ${count} guessed regions add ${own}; the ${count} greatest add ${best}.`),

  walk: "Step by step",
  walkTitle: "From the picture to the answer",
  back: "One step back",
  forward: "One step on",
  stepOf: (step, count) => `Step ${step} of ${count}`,
  layers: { picture: "picture", convolution: "convolution", sum: "sum", pool: "pool", hidden: "hidden layers", affine: "affine", logit: "logit", adds: "adds", read: "read" },
  ofThisMap: "this map",
  mapAdds: (name, parts) => (parts.length ? `${name}: adds ${parts.map((part) => `${part.value} to ${part.name}`).join(", ")}` : name),
  maps: (count, side) => `${times(count, "map")} of ${side}×${side}`,
  field: (classes, pairs) => `${classes} classes × ${times(pairs, "map")}`,
  sumAndBias: "sum + bias",
  closer: {
    filter: "filter",
    map: "map",
    channel: "channel",
    class: "class",
    slide: "▶ Slide the window",
    pause: "❚❚ Pause",
    source: "The map that the window slides over; its place is set on the other map",
    result: "The map that is made; arrow keys move the window",
    window: (side) => `window of ${side}×${side}`,
    weights: "weights of the filter",
    products: "products",
    kept: "negative → 0",
    sum: (count) => times(count, "product"),
    others: (count) => `${times(count, "other")}`,
    numbers: (count) => times(count, "number"),
    bias: "bias",
    number: (name, row, column) => `${name} at [${row}][${column}]`,
    place: (row, column, value) => `row ${row}, column ${column}: ${value}`,
    found: (stage) => `what stage ${stage} found`,
    weightsOf: (digit) => `weights of the ${digit}`,
    itsWeights: "its weights",
    adds: (digit) => `what that adds to the ${digit}`,
    cells: (count) => times(count, "cell"),
    classBias: "class bias",
    sumOfAll: "sum",
  },
  steps: {
    picture: ({ side, colour }) =>
      colour ? `The network sees ${side}×${side} pixels, each as three numbers for red, green and blue, and nothing else.` : `The network sees ${side}×${side} grey values, and nothing else.`,
    convolution: ({ first, colour, paired, filters, kernel, maps, convolved, pool, zeroes, before, behind, stride, groups, sources }) =>
      [
        sources.length > 1 ? `The maps of ${sources.map((layer) => (layer ? `stage ${layer}` : "the picture")).join(" and ")} are added up.` : "",
        !kernel
          ? `No filter: the maps stay as they are, ${maps} of ${convolved}×${convolved}.`
          : first && !paired
          ? `${times(filters, "filter")} of ${kernel}×${kernel} ${filters === 1 ? "slides" : "slide"} over the picture${colour ? ", with weights for each colour" : ""}. Where the picture is like the filter, the map has the colour of ink; where it is like the filter’s opposite, the colour of paper.`
          : paired
            ? `${times(filters, "filter")} of ${kernel}×${kernel} are applied to each of these maps by itself: ${maps} maps of ${convolved}×${convolved}.`
            : `${times(filters, "filter")} look at ${groups > 1 ? "the maps of their group" : "all of these maps at once"}, with one ${kernel}×${kernel} kernel for each, and add up what they find.`,
        stride > 1 ? `The window moves ${stride} cells at a time.` : "",
        pool ? "" : zeroes ? "What is negative becomes 0." : activated([...before, ...behind]),
      ].filter(Boolean).join(" "),
    convolutionCloser: ({ first, colour, paired, padding, border }) =>
      [
        first
          ? `What the window sees, times the weights of the filter; the sum of these products${colour && !paired ? " of all three colours" : ""} and the bias is one number of the map. Point at either map.`
          : paired
            ? "The same once more, on a map instead of the picture: one window, one filter, one sum."
            : "The same once more, on maps instead of the picture: each map has its own weights, and all sums are added up.",
        padding ? `Outside the dashed line the window sees ${border ? "the value that the network pads with" : "zeros"}.` : "",
      ].filter(Boolean).join(" "),
    pool: ({ again, convolved, side, zeroes, before, behind, mean, of }) => {
      const kept = mean ? "the mean" : "the largest";
      if (zeroes && again) return `Again what is negative becomes 0, and ${kept} of ${of}×${of} is kept: ${side}×${side} is left.`;
      const pooled = `f every ${of}×${of} cells ${kept} is kept: ${convolved}×${convolved} becomes ${side}×${side}.`;
      return zeroes ? `What is negative becomes 0, and o${pooled}` : [activated(before), `O${pooled}`, activated(behind)].filter(Boolean).join(" ");
    },
    poolCloser: ({ zeroes, before, behind, mean }) =>
      zeroes && !mean
        ? "Of what the window sees, only the largest is kept, and a negative number becomes 0: one number of the smaller map."
        : [
            zeroes ? "What is negative becomes 0." : activated(before),
            `Of what the window sees, ${mean ? "the mean" : "only the largest"} is kept: one number of the smaller map.`,
            zeroes ? "" : activated(behind),
          ].filter(Boolean).join(" "),
    hidden: ({ hidden, between }) =>
      between
        ? `${hidden.length === 1 ? "A hidden layer" : `${hidden.length} hidden layers, one after the other`}: each of ${hidden.join(" and ")} numbers is a weighted sum of all numbers before it, and goes through ${between}. For this picture it is known by how much that multiplies each; so the rest is one affine layer.`
        :
      `${hidden.length === 1 ? "A hidden layer" : `${hidden.length} hidden layers, one after the other`}: each of ${hidden.join(" and ")} numbers is a weighted sum of all numbers before it, and what is negative becomes 0. For this picture it is known which are 0; without those, the rest is one affine layer.`,
    affine: ({ classes, pairs, hidden, predicted, first, second }) =>
      [
        `Each of the ${classes} classes weighs every cell: ${whole(classes * pairs)} small maps. Teal speaks for the class, ochre against it.`,
        pairs > 9 ? `Of the ${whole(pairs)} of each class, those are shown that matter most to ${predicted}.` : "",
        hidden.length ? "The weights are those of this picture." : "",
        first ? `Of those of ${predicted}, the one that adds most has a red frame${second ? ", the second a blue one" : ""}.` : "",
      ].filter(Boolean).join(" "),
    affineCloser: () =>
      "A class has a weight for every cell. What was found there, times this weight, is what the cell adds to the class: teal for it, ochre against it. Choose a class.",
    logit: ({ predicted, sum, bias, logit }) =>
      `For each class all cells are added up, and its biases. For ${predicted}: ${sum} and ${bias} make ${logit}.`,
    softmax: ({ classes, predicted, share }) =>
      `Softmax: e to the power of each logit, divided by the sum of all ${classes}. That makes ${classes} probabilities that add up to 100%: ${share} for ${predicted}.`,
    read: ({ predicted, first, second, share }) =>
      `The largest number wins: ${predicted} is read, with ${share}. ${capital(first)} added most (red)${second ? `, ${second} comes second (blue)` : ""}.`,
  },

  present: "Present",
  presentBar: "Presentation",
  presentKeys: "← → view, Esc leaves",
  presentPicture: "Picture",
  presentLeave: "Leave",
  views: { all: "All", digit: "Digit", pairs: "Pairs", where: "Regions" },

  key: "Key",
  useKey: "Use this key",
  stays: "What you draw is read by the service that sent this page, and goes nowhere else.",
  lesson: "A lesson",
  documentation: "The same answers over HTTP",
  after: "After Suzuki, Meng and Yamazaki, “Toward Visualization of Inference Process in Deep Learning”.",

  problems: {
    unreachable: "The service does not answer. What you drew is safe here; it will be read as soon as the service is back.",
    unauthorized: "This service answers only to those who have a key.",
    "wrong-key": "This is not one of the service’s keys.",
    busy: "The service has too much to do; it will be asked again in a moment.",
    "unsupported-image": "This file is not a picture that can be read: PNG and JPEG can.",
    "unreadable-image": "This picture is damaged: it cannot be decoded.",
    "unsuitable-image": "This picture does not suit: a single, still one of at most 4 million pixels does.",
    "content-too-large": "This picture is too large: at most 256 KiB can be sent.",
    "unknown-model": "This network is not there any more. Choose another one.",
    "bad-link": "This link is damaged: its drawing cannot be restored.",
    failed: "The service failed at this. Its log says why.",
    mistake: "This is a mistake of the page. Reload it: the address holds your drawing.",
    refused: "The service refused to answer.",
  },
};
