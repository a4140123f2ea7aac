// All words of the page in Japanese; terms are those of the paper where it has them.

/** A whole number. */
const whole = (value) => value.toLocaleString("ja");

/** What falls or rises when something is hidden; `versus` is the class to compare with, or null. */
const score = (target, versus) => (versus === null ? `「${target}」のロジット` : `「${versus}」に対する「${target}」の差`);

/** What the panels show: the table of pairs may be absent. */
const shows = (table) => `${table ? "表はフィルタの組ごとの貢献度を、" : ""}図は画像の一部を隠したときの出力の変化を示します。`;

/** Regions that work together with the one that is looked at, and against it: how many, and the strongest value of each. */
const together = ({ more, less, most, least }) =>
  more + less === 0
    ? "ほかの領域との相互作用は 0 です。"
    : `${[more && `一緒だと加える値が増える領域は ${more} 個 (青緑の線、最大 ${most})`, less && `減る領域は ${less} 個 (黄土色の線、最小 ${least})`].filter(Boolean).join("、")}です。遠い領域とは厳密に 0 です。`;

/** 値が活性化関数を通ること。なければ何も言わない。 */
const activated = (activations) => (activations.length ? `それぞれの値は ${activations.join("、")} を通ります。` : "");

export default {
  language: "日本語",
  tagline: (digit) => `このネットワークは、なぜこれを「${digit}」と読んだのか。`,
  taglineIdle: "数字を書くと、小さなネットワークの認識の根拠が見えます。",
  taglineBring: "画像を選ぶと、小さなネットワークの認識の根拠が見えます。",
  network: "ネットワーク",
  modelOption: (name, dataset, accuracy) => [name, dataset, accuracy ? `認識率 ${accuracy}` : "認識率は未測定"].filter(Boolean).join("・"),
  otherTheme: "明るい画面と暗い画面を切り替える",

  drawingTitle: "手書きの数字",
  canvas: "数字を書く場所",
  canvasKeys: "マウス、指、ペンで書きます。キーボードでは矢印キーで動かし、スペースキーでペンを下ろす・上げる、Shift で細かく動かします。",
  penDown: "ペンを下ろしました",
  penUp: "ペンを上げました",
  hint: "数字を書いてください",
  example: ({ truth, predicted, turns }) => `この「${truth}」は「${predicted}」と認識されます。${turns ? `\n枠の領域を隠すと「${truth}」になります。` : ""}`,
  drawYourOwn: "自分で書いてみてください。",
  tool: "道具",
  pen: "ペン",
  eraser: "消しゴム",
  undo: "元に戻す",
  redo: "やり直す",
  clear: "すべて消す",
  samples: "テスト画像",
  pictures: "画像",
  right: "ほかのネットワークだけが誤認識する画像",
  misread: "誤って認識される画像 (正解 → 結果)",
  sample: (digit) => `「${digit}」の画像`,
  rightSample: (digit, other) => `ほかのネットワークが「${other}」と誤認識する「${digit}」の画像`,
  misreadSample: (truth, digit) => `「${digit}」と誤認識される「${truth}」の画像`,
  choose: "画像を選ぶ…",
  orDrop: "ドロップや貼り付けも可",

  resultTitle: "認識結果",
  seen: "入力画像",
  seenLabel: (side) => `ネットワークが実際に見ている ${side}×${side} 画素`,
  read: { probability: (share) => `確率 ${share}`, logit: (value) => `ロジット ${value}` },
  unit: "棒グラフの値",
  probability: "確率",
  logits: "ロジット",
  nothingRead: "未入力",
  fitted: "切り出し・拡大縮小・中央寄せ済み",
  asIs: (side) => `${side}×${side} のまま`,
  resized: "全体を縮小",
  padded: "全体を縮小し、余白を足して正方形に",
  inverted: "黒地に白として入力",
  // By the codes of the service.
  warnings: {
    empty: "背景と区別できる線がありません",
    "bright-border": "縁が明るい画像です。このネットワークでは白黒を反転しません",
    "mostly-ink": "半分以上が線です",
    "several-pieces": "複数の数字かもしれません",
    "unlike-training-images": "学習に使った画像と似ていません",
    "several-digits": "複数のものが見つかり、最も大きいものを読みました",
  },
  bars: "各クラスの確率。選ぶとその理由を表示します",
  bar: (digit, share) => `「${digit}」: ${share}。なぜ「${digit}」か`,
  copyLink: "リンクをコピー",
  copyCurl: "この答えを返す curl コマンドをコピー",
  linkCopied: "この絵を復元するリンクです。内容はすべてリンクの中にあり、どこにも保存されません。",
  linkCopiedShort: "コピーしました。",
  curlCopied: "シェルで実行すると同じ答えが得られます。",
  copyByHand: "コピーしてください",
  saved: { png: "保存しました。図中の文字は英語です。", svg: "保存しました。", html: "保存しました。" },
  close: "閉じる",

  whyTitle: "認識の説明",
  question: ["なぜ", "であって", "ではないのか"],
  another: "ほか",
  targetLabel: "説明するクラス",
  versusLabel: "比べるクラス",
  pairsTitles: {
    contribution: "フィルタの貢献度",
    change: "領域を隠したときの増減",
    share: "この領域の組ごとの内訳",
  },
  pairs: "フィルタの組。最後の段に入るマップと、最後の段のフィルタ",
  map: (number) => `マップ ${number}`,
  filter: (number) => `フィルタ ${number}`,
  stage: (number) => `段 ${number}`,
  pairName: ([map, filter]) => `マップ ${map} × フィルタ ${filter}`,
  pairShort: ([map, filter]) => `${map}×${filter}`,
  otherPairs: (count) => `ほかの ${whole(count)} 組`,
  otherMaps: (count) => `ほか ${count} 枚`,
  otherClasses: (count) => `ほか ${count} クラス`,
  // What a stage makes: of paired wiring a map for each map that it is given.
  mapOf: (stage, { input, filter }) => `段 ${stage} の${input === undefined ? "" : `マップ ${input} × `}フィルタ ${filter}`,
  pooled: (name) => `${name}・プール`,
  activated: (name, behind) => [name, ...behind].join("・"),
  channels: ["赤", "緑", "青"],
  pairsKeys: "矢印キーで組を移動します。",
  pair: (name, value) => `${name}: ${value}`,
  saveLedgerPng: "組の表を PNG で保存 (図中は英語)",
  saveLedgerSvg: "組の表を SVG で保存",
  saveHeatmapPng: "領域の図を PNG で保存 (図中は英語)",
  saveHeatmapSvg: "領域の図を SVG で保存",
  saveHandout: "サービスなしで動くページとして保存",
  handout: (size) => (size ? `保存 ${size}` : "HTML"),
  kilobytes: (size) => `${whole(size)} kB`,
  handoutReady: (size) => `サービスなしで動くページです (${size})。もう一度押すと保存します。`,
  saveProcessPng: "図を PNG で保存 (図中は英語)",
  saveProcessSvg: "図を SVG で保存",
  totals: { change: "増減の\u200b合計", share: "この\u200b領域" },
  // Lines break only where it is marked.
  terms: (pairs) => [`${pairs} 組の\u200b合計`, "フィルタの\u200bバイアス", "クラスの\u200bバイアス"],
  logit: (digit) => `「${digit}」の\u200bロジット`,
  difference: (digit, other) => `「${digit}」−「${other}」`,
  first: (name) => `1 位: ${name}`,
  second: (name) => `2 位: ${name}`,
  secant: (name) => `${name} は割線で分解しています。和は正確ですが、傾きは勾配とは異なります。`,
  typicality: (digit, percent) => `正しく認識される「${digit}」の ${percent}% は、フィルタの使い方がこれより典型的ではありません。`,

  where: (digit) => `「${digit}」の重要な認識領域`,
  whereOther: (digit) => `「${digit}」ならば重要な領域`,
  whereVersus: (digit, other) => `「${digit}」を「${other}」と分ける領域`,
  whereEmpty: "重要な認識領域",
  regionQuestion: "領域についての問い",
  askOcclusion: "1 つ隠す",
  askShapley: "公平な配分",
  askGrounds: "根拠の証明",
  cannotAsk: "このネットワークには、この問いを出せません。",
  sharesOf: (digit, other) => (other === null ? `各領域が「${digit}」に加える値` : `各領域が「${digit}」と「${other}」の差に加える値`),
  groundsOf: (digit) => `「${digit}」の根拠`,
  scaleShare: "シャープレイ値",
  emptyPicture: (digit) => `白紙\u200b(「${digit}」)`,
  regions: (count) => `${count} 領域の\u200b合計`,
  legendInk: "線",
  legendCritical: "この中の 1 領域を隠すと札の数字と認識",
  legendShare: (side) => `領域 (${side}×${side} 画素) が加える値`,
  legendCell: "マスが組に加える値",
  legendGround: "根拠",
  legendContrast: (digit) => `すべて隠すと「${digit}」になる`,
  legendHidden: "隠した領域",
  hideOthers: "ほかをすべて隠す",
  hideContrast: "破線を隠す",
  showAll: "すべて表示",
  liveNothing: (digit) => `何も隠していません。「${digit}」と認識されます。`,
  live: ({ count, predicted, share, stays }) => `${count} 領域を${stays ? `隠しても「${predicted}」のまま` : `隠すと「${predicted}」に変化`} (${share})`,
  heatmap: "各領域が認識に与える影響を重ねた数字",
  heatmapKeys: "矢印キーで領域を移動し、Esc で離れます。",
  scaleDrop: (digit, other) => (other === null ? "ロジットの低下" : `ロジットの差「${digit}」−「${other}」の低下`),
  scaleCell: "1 マスあたり",
  region: (side) => `隠す領域 ${side}×${side}`,

  emptyBring: (table) => `このネットワークが知っているものの画像を選んでください。${shows(table)}`,
  noInk: "線がないので、どの領域を隠しても何も変わりません。",
  empty: (table) => `数字を書くか、テスト画像を選んでください。${shows(table)}`,
  idlePairs: ({ target, versus }) => `それぞれの図は 1 つのフィルタの組です。青緑のマスは${score(target, versus)}を上げ、黄土色のマスは下げます。組を指すと内訳を表示します。`,
  idle: ({ target, versus, predicted, critical, ink, table }) =>
    [
      ink
        ? `青緑の領域を隠すと${score(target, versus)}が下がり、黄土色の領域を隠すと上がります。`
        : "線がないので、どの領域を隠しても何も変わりません。",
      critical
        ? `枠で囲んだ領域は、${critical === 1 ? "そこ" : `${critical} 個のうちどれか 1 つ`}を隠すだけで、札に示した数字と認識されるようになります。`
        : ink && `どれか 1 つを隠しても、「${predicted}」と認識されます。`,
      table ? "組や領域を指すと、両者の関係を表示します。" : "領域を指すと、そこを隠したときの認識を表示します。",
    ].filter(Boolean).join(""),
  spot: ({ left, predicted, target, versus, before, after, change, split }) =>
    `この領域を隠すと、${left === predicted ? `やはり「${left}」` : `「${left}」`}と認識されます。${score(target, versus)}は ${before} から ${after} になります (${change})。${split ? `表は${versus === null ? `「${target}」` : "この差"}に対する組ごとの増減です。` : ""}`,
  spotEmpty: "この領域には線がないので、隠しても何も変わりません。",
  pairDetail: ({ name, value, target, versus, place, count, cells, cell }) =>
    `${name} の貢献度は${versus === null ? `「${target}」に対して` : `${score(target, versus)}として`} ${value}、${count} 組中 ${place} 位です。${cells} 個のマスは、それぞれが見ている場所に重ねてあります。${cell ? `最大のマスは 重み ${cell.weight} × 活性 ${cell.activation} = ${cell.value} です。` : ""}`,

  shapley: ({ target, versus, empty, share, table }) =>
    `領域を 1 つずつ見せていくとき、ある領域を見せると${score(target, versus)}がどれだけ増えるかを、あらゆる順序で平均した値です。すべての組み合わせから厳密に求めています。すべて隠すと「${empty}」と認識され (${share})、和はそこから始まります。${table ? "組や領域を指すと内訳を表示します。" : "領域を指すと、その値を表示します。"}`,
  share: ({ target, versus, value, split, works, brief }) =>
    `この領域が${score(target, versus)}に加える値は${brief ? "" : "、あらゆる順序の平均で"} ${value} です。${split ? "表はその組ごとの内訳です。" : ""}${works ? together(works) : ""}`,
  together: "相互作用",
  legendTogether: "一緒だと増す",
  legendAgainst: "一緒だと減る",
  shareNone: "この領域を隠しても画素は変わらないので、加える値はありません。",
  pairShares: ({ name, value, target, versus, empty, all }) =>
    `${name} が${score(target, versus)}に加える値は ${value} です。白紙での ${empty} と、領域からの ${all} の和です。図はその内訳です。`,
  grounds: ({ predicted, kept, players, combinations, status, contrast, empty, share, other, versus }) => {
    const free = players - kept;
    const stays = `「${predicted}」のままです`;
    const proof = kept ? (status === "smallest" ? "これより少ない領域では足りないことも証明済みです。" : "どれも省けないことも証明済みです。") : "";
    return [
      other ? `根拠は、上で選んだクラスではなく、認識された「${predicted}」のものです。` : versus === null ? "" : `根拠は「${versus}」だけでなく、どのクラスに対しても「${predicted}」である理由です。`,
      !kept ? `必要な領域はありません。${players} 領域をどう隠しても${stays}。`
        : free ? `${players} 領域中 ${kept} 領域があれば、残りの ${free} 領域を ${whole(combinations)} 通りのどの組み合わせで隠しても${stays}。${proof}`
        : `${players} 領域がすべて必要です。`,
      contrast
        ? `破線の ${contrast.count} 領域を${contrast.count === 1 ? "" : "すべて"}隠すと「${contrast.predicted}」になります。${contrast.count === 1 ? "" : "それより少なければ、どこを隠しても変わりません。"}`
        : `何を隠しても${stays}。`,
      `すべて隠すと「${empty}」と認識されます (${share})。`,
      players ? "領域をクリックして確かめてください。" : "",
    ].filter(Boolean).join("");
  },
  groundsNone: "この領域を隠しても画素は変わりません。",
  groundsHide: ({ ground, predicted }) => `${ground ? `この領域は「${predicted}」の根拠の 1 つです。ほかの組み合わせでも証明できることがあります。` : ""}クリックするとこの領域を隠します。結果の変化を見てください。`,
  groundsShow: "クリックするとこの領域をもう一度表示します。",

  besideLabel: "並べて比べるネットワーク",
  besideChoose: "並べて比べる…",
  besideNone: "比べるのをやめる",
  networkReads: (model, name, share) => `${model} の結果は「${name}」(${share})`,
  besideGrounds: ({ kept, players, change }) =>
    `${players} 領域中 ${kept} 領域があれば証明できます。${change ? `${change.count} 領域を隠すと「${change.predicted}」になります。` : "何を隠しても変わりません。"}`,
  besideShapley: ({ empty, share }) => `各領域が加える値を、あらゆる順序で厳密に平均しました。すべて隠すと「${empty}」と認識されます (${share})。`,
  besideOcclusion: ({ predicted, critical }) =>
    critical ? `枠の領域 (${critical} 個) のどれか 1 つを隠すと、答えが変わります。` : `どれか 1 つを隠しても「${predicted}」と認識されます。`,

  guessFirst: "先に予想",
  guessTitle: "予想",
  guessWithout: "隠すと:",
  guessShow: "答えを見る",
  guessAgain: "もう一度予想",
  legendGuess: "予想した領域",
  guess: {
    occlusion: ({ predicted }) => `領域を 1 つ隠すと何と認識されるでしょうか。「${predicted}」の領域を 1 つクリックして、予想を選んでください。`,
    shapley: ({ target, versus }) => `${score(target, versus)}を最も大きくするのはどの領域でしょうか。クリックして選んでください。`,
    grounds: ({ predicted }) => `どの領域があれば「${predicted}」だと証明できるでしょうか。残りをどう隠しても「${predicted}」のままになるように、なるべく少ない領域をクリックしてください。`,
  },
  guessedNothing: "領域が選ばれていません。",
  guessedOcclusion: ({ left, digit, right }) => `その領域を隠すと「${left}」です${digit === null ? "。" : right ? "。予想どおりです。" : `。予想は「${digit}」でした。`}`,
  guessedGrounds: ({ count, hit, kept }) => `予想した ${count} 領域に、根拠 ${kept} 領域中 ${hit} 領域が含まれます。`,
  guessedShapley: ({ count, own, best }) => `予想した ${count} 領域の値は計 ${own}、上位 ${count} 領域では計 ${best} です。`,

  walk: "処理過程をたどる",
  walkTitle: "画像の処理過程",
  back: "1 つ戻る",
  forward: "1 つ進む",
  stepOf: (step, count) => `${count} 段階中 ${step}`,
  layers: { picture: "入力", convolution: "畳み込み", sum: "和", pool: "プール", hidden: "隠れ層", affine: "アフィン", logit: "ロジット", adds: "加える値", read: "結果" },
  ofThisMap: "このマップ",
  mapAdds: (name, parts) => (parts.length ? `${name}。${parts.map((part) => `「${part.name}」に ${part.value}`).join("、")} を加える` : name),
  maps: (count, side) => `${side}×${side} が ${count} 枚`,
  field: (classes, pairs) => `${classes} クラス × ${pairs} 枚`,
  sumAndBias: "総和 + b",
  closer: {
    filter: "フィルタ",
    map: "マップ",
    channel: "チャネル",
    class: "クラス",
    slide: "▶ 窓を動かす",
    pause: "❚❚ 一時停止",
    source: "窓が動くマップ。位置はもう一方のマップで決めます",
    result: "できあがるマップ。矢印キーで窓を動かします",
    window: (side) => `${side}×${side} の窓`,
    weights: "フィルタの重み",
    products: "積",
    kept: "負の値 → 0",
    sum: (count) => `${count} 個の積の​合計`,
    others: (count) => `ほかの ${count} 枚`,
    numbers: (count) => `${count} 個`,
    bias: "バイアス",
    number: (name, row, column) => `${name} の​[${row}][${column}]`,
    place: (row, column, value) => `${row} 行 ${column} 列: ${value}`,
    found: (stage) => `段 ${stage} で見つかったもの`,
    weightsOf: (digit) => `「${digit}」の重み`,
    itsWeights: "その重み",
    adds: (digit) => `「${digit}」に加える値`,
    cells: (count) => `${count} マスの​合計`,
    classBias: "クラスの​バイアス",
    sumOfAll: "合計",
  },
  steps: {
    picture: ({ side, colour }) =>
      colour ? `ネットワークが見るのは ${side}×${side} 画素の赤・緑・青の値だけです。` : `ネットワークが見るのは ${side}×${side} 個の濃淡の値だけです。`,
    convolution: ({ first, colour, paired, filters, kernel, maps, convolved, pool, zeroes, before, behind, stride, groups, sources }) =>
      [
        sources.length > 1 ? `${sources.map((layer) => (layer ? `段 ${layer}` : "画像")).join("と")}のマップを足し合わせます。` : "",
        !kernel
          ? `フィルタはなく、${convolved}×${convolved} のマップ ${maps} 枚のままです。`
          : first && !paired
          ? `${kernel}×${kernel} のフィルタ ${filters} 枚を${colour ? "、色ごとの重みで" : ""}画像全体に適用します。画像がフィルタに似ている場所ではマップが線の色に、正反対の場所では紙の色に近づきます。`
          : paired
            ? `${kernel}×${kernel} のフィルタ ${filters} 枚を、それぞれのマップに別々に適用します。${convolved}×${convolved} のマップが ${maps} 枚できます。`
            : `${filters} 枚のフィルタは、マップごとに ${kernel}×${kernel} の重みを持ち、${groups > 1 ? "同じ組の" : "すべての"}マップの結果を足し合わせます。`,
        stride > 1 ? `窓は ${stride} マスずつ動きます。` : "",
        pool ? "" : zeroes ? "負の値は 0 にします (ReLU)。" : activated([...before, ...behind]),
      ].join(""),
    convolutionCloser: ({ first, colour, paired, padding, border }) =>
      [
        first
          ? `窓に入った値にフィルタの重みを掛け、積を${colour && !paired ? "三色とも" : ""}すべて足してバイアスを加えると、マップの 1 つの値になります。どちらの図も指すことができます。`
          : paired
            ? "画像の代わりにマップの上で同じ計算をします。窓が 1 つ、フィルタが 1 つ、和が 1 つです。"
            : "画像の代わりにマップの上で同じ計算をします。重みはマップごとに異なり、すべての和を足し合わせます。",
        padding ? `破線の外では、窓は${border ? "パディングの値" : " 0 "}を見ます。` : "",
      ].join(""),
    pool: ({ again, convolved, side, zeroes, before, behind, mean, of }) => {
      const kept = mean ? "平均" : "最大値";
      if (zeroes && again) return `もう一度、負の値を 0 にし、${of}×${of} マスごとに${kept}を残します。${side}×${side} が残ります。`;
      const pooled = `${of}×${of} マスごとに${kept}だけを残します。${convolved}×${convolved} が ${side}×${side} になります。`;
      return zeroes ? `負の値を 0 にし (ReLU)、${pooled}` : `${activated(before)}${pooled}${activated(behind)}`;
    },
    poolCloser: ({ zeroes, before, behind, mean }) =>
      zeroes && !mean
        ? "窓に入った値のうち最大のものだけを残し、負なら 0 にします。これが小さいマップの 1 つの値です。"
        : `${zeroes ? "負の値は 0 にします。" : activated(before)}窓に入った値の${mean ? "平均" : "うち最大のもの"}だけを残します。これが小さいマップの 1 つの値です。${zeroes ? "" : activated(behind)}`,
    hidden: ({ hidden, between }) =>
      between
        ? `隠れ層が ${hidden.length} 層あります (${hidden.join("、")} 個)。それぞれの値は前のすべての値の重み付きの和で、${between} を通ります。この画像で何倍になるかは分かっているので、残りは 1 つのアフィン層です。`
        :
      `隠れ層が ${hidden.length} 層あります (${hidden.join("、")} 個)。それぞれの値は前のすべての値の重み付きの和で、負なら 0 になります。この画像でどれが 0 になるかは分かっているので、それらを除けば残りは 1 つのアフィン層です。`,
    affine: ({ classes, pairs, hidden, predicted, first, second }) =>
      [
        `${classes} クラスがそれぞれすべてのマスに重みを掛け、計 ${whole(classes * pairs)} 枚の小さな特徴マップになります。青緑はそのクラスを支持し、黄土色は反対します。`,
        pairs > 9 ? `各クラスの ${whole(pairs)} 枚のうち、「${predicted}」に最も影響するものを表示しています。` : "",
        hidden.length ? "重みはこの画像でのものです。" : "",
        first ? `枠は「${predicted}」に最も多く加えるもの (赤)${second ? " と次のもの (青) " : ""}です。` : "",
      ].join(""),
    affineCloser: () => "クラスはマスごとに重みを持ちます。見つかった値にこの重みを掛けたものが、そのマスがクラスに加える値です。青緑は支持、黄土色は反対です。クラスを選んでください。",
    logit: ({ predicted, sum, bias, logit }) => `クラスごとにすべて足し合わせ、バイアスを足します。「${predicted}」では ${sum} と ${bias} で ${logit} です。`,
    softmax: ({ classes, predicted, share }) => `ソフトマックスでは、e のロジット乗を ${classes} 個の合計で割ります。足すと 100% になる ${classes} 個の確率が得られ、「${predicted}」は ${share} です。`,
    read: ({ predicted, first, second, share }) => `最大のものが推論結果です。「${predicted}」と認識されました (${share})。貢献度 1 位 (赤) は ${first}${second ? `、2 位 (青) は ${second}` : ""} です。`,
  },

  present: "投影",
  presentBar: "投影画面",
  presentKeys: "← → で切り替え、Esc で終了",
  presentPicture: "画像",
  presentLeave: "終了",
  views: { all: "全体", digit: "数字", pairs: "フィルタ", where: "領域" },

  key: "キー",
  useKey: "このキーを使う",
  stays: "書いたものは、このページを送ったサービスだけが読み取り、ほかには送られません。",
  lesson: "授業",
  documentation: "HTTP でも同じ答えが得られます",
  after: "鈴木航・孟林・山崎勝弘「深層学習における推論過程の可視化の検討」にもとづく。",

  problems: {
    unreachable: "サービスが応答しません。書いたものはここに残っています。サービスが戻りしだい認識します。",
    unauthorized: "このサービスの利用にはキーが必要です。",
    "wrong-key": "このサービスのキーではありません。",
    busy: "サービスが混み合っています。すぐにもう一度たずねます。",
    "unsupported-image": "読み取れる画像ではありません。PNG か JPEG を選んでください。",
    "unreadable-image": "画像が壊れていて、復号できません。",
    "unsuitable-image": "この画像は扱えません。400 万画素以下の静止画 1 枚にしてください。",
    "content-too-large": "画像が大きすぎます。送れるのは 256 KiB までです。",
    "unknown-model": "このネットワークはもうありません。ほかを選んでください。",
    "bad-link": "リンクが壊れていて、絵を復元できません。",
    failed: "サービスの内部で失敗しました。理由はサービスのログにあります。",
    mistake: "ページの誤りです。再読み込みしてください。書いたものはアドレスに残っています。",
    refused: "サービスが回答を拒否しました。",
  },
};
