// Predictions whose horizon has passed: what was said of bars, and how often it happened, live and before the judge.

import { h, s, table } from "./element.js";
import { number, percent } from "./words.js";

const SIZE = 240, EDGE = 30, FAR = SIZE - 8, ROOM = FAR - EDGE;
const x = (share) => EDGE + ROOM * share, y = (share) => SIZE - EDGE - (SIZE - EDGE - 8) * share;

function dots(bins, kind) {
  const most = Math.max(...bins.map((each) => each.count), 1);
  return bins.map((each) => s("g", { class: kind }, s("line", { x1: x(each.said), x2: x(each.said), y1: y(each.least), y2: y(each.most) }),
    s("circle", { cx: x(each.said), cy: y(each.happened), r: 3 + 4 * Math.sqrt(each.count / most) }, s("title", {}, `${kind}: said ${percent(each.said)}, happened ${percent(each.happened)} of ${number(each.count, 0)}`))));
}

function drawn({ side, live, judged }) {
  return s("svg", { class: "calibration", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": `what the ${side} expert said against what happened` },
    [0, 0.5, 1].map((share) => [s("line", { class: "grid", x1: EDGE, x2: FAR, y1: y(share), y2: y(share) }), s("line", { class: "grid", x1: x(share), x2: x(share), y1: y(0), y2: y(1) }),
      s("text", { x: EDGE - 5, y: y(share) + 3, "text-anchor": "end" }, percent(share, 0)), s("text", { x: x(share), y: y(0) + 13, "text-anchor": share === 1 ? "end" : "middle" }, percent(share, 0))]),
    s("line", { class: "ideal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }), judged && dots(judged.calibration, "judged"), dots(live.calibration, "live"),
    s("text", { x: (EDGE + FAR) / 2, y: SIZE - 4, "text-anchor": "middle" }, "said"), s("text", { x: EDGE + 4, y: 17 }, "happened"));
}

function bins({ live, judged }) {
  const before = new Map((judged?.calibration ?? []).map((each) => [each.low, each])), now = new Map(live.calibration.map((each) => [each.low, each]));
  const lows = [...new Set([...before.keys(), ...now.keys()])].sort((one, other) => one - other);
  const cells = (each) => each ? [percent(each.said), percent(each.happened), number(each.count, 0)] : ["\u2013", "\u2013", "\u2013"];
  return table(["Probability", "Said", "happened", "bars", ...(judged ? ["Judge: said", "happened", "bars"] : [])],
    lows.map((low) => [`${percent(low, 0)} to ${percent((now.get(low) ?? before.get(low)).high, 0)}`, ...cells(now.get(low)), ...(judged ? cells(before.get(low)) : [])]), { label: "calibration" });
}

function one(each) {
  const { model, side, live, judged } = each, both = (name, digits = 3) => judged ? `${number(live[name], digits)} (judge ${number(judged[name], digits)})` : number(live[name], digits);
  return h("div", { class: "matured" }, h("h3", { class: side }, `${side}, ${model}`), drawn(each),
    h("p", {}, `Of ${number(live.rows, 0)} bars ${percent(live.base)} were what it is taught to find${judged ? ` (${percent(judged.base)} before the judge)` : ""}.`),
    h("p", { class: "soft" }, `Brier score ${both("brier")}, off by ${both("off")} on average, ranks right ${both("auc")}, precision ${both("precision")}.`),
    h("details", {}, h("summary", {}, "Bin by bin"), bins(each)));
}

export function matured(title, found) {
  const head = h("h2", {}, title);
  if (!found.models.length) return h("section", {}, head, h("p", { class: "soft" }, found.sentence));
  const judged = found.models.some((each) => each.judged);
  return h("section", {}, head, h("p", { class: "soft" }, `Predictions older than ${found.horizon} bars, against what happened by the target \u201c${found.target}\u201d. On the dashed line, what was said is how often it happened; bars of one stretch resemble each other, so the whiskers are too short rather than too long.`),
    h("p", { class: "key" }, h("span", { class: "calibrated" }, h("i"), "live"), judged ? h("span", { class: "calibrated judged" }, h("i"), "before the judge") : h("span", {}, "The judge has left no calibration to compare with.")),
    h("div", { class: "pair" }, found.models.map(one)));
}
