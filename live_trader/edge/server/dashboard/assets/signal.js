// Why a bot said what it said as of one bar, worked out again, or why it said nothing.

import { h, s, table } from "./element.js";
import { get } from "./server.js";
import { clock, direction, figure, lasting, number, path, percent, seconds, signed, span, told } from "./words.js";

const SHOWN = 12;

function candles(bars, width = 900, height = 190) {
  if (!bars.length) return null;
  const low = Math.min(...bars.map((bar) => bar[3])), high = Math.max(...bars.map((bar) => bar[2])), span = high - low || 1;
  const step = width / bars.length, y = (value) => 6 + (high - value) / span * (height - 12);
  const last = bars.length - 1;
  return s("svg", { class: "candles", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `the last ${bars.length} bars it saw` },
    s("rect", { class: "here", x: last * step, y: 0, width: step, height }),
    bars.map(([, open, most, least, close], at) => s("g", { class: close >= open ? "rise" : "fall" },
      s("line", { x1: (at + 0.5) * step, x2: (at + 0.5) * step, y1: y(most), y2: y(least) }),
      s("rect", { x: (at + 0.2) * step, width: step * 0.6, y: y(Math.max(open, close)), height: Math.max(Math.abs(y(open) - y(close)), 1) }))));
}

function contribution(feature, most) {
  const share = 50 * Math.abs(feature.share) / most;
  return h("tr", {}, h("th", { scope: "row" }, feature.name), h("td", {}, figure(feature.value)), h("td", { class: "soft" }, figure(feature.usual)),
    h("td", { class: "pull" }, h("i", { class: feature.share >= 0 ? "up" : "down", style: { width: `${share}%`, [feature.share >= 0 ? "left" : "right"]: "50%" } })), h("td", {}, signed(feature.share, 4)));
}

function expert(side) {
  const most = Math.max(...side.features.map((each) => Math.abs(each.share)), 1e-12);
  const rows = side.features.map((each) => contribution(each, most)), rest = rows.slice(SHOWN);
  for (const row of rest) row.hidden = true;
  const more = rest.length > 0 && h("button", { class: "quiet", onclick: (event) => { for (const row of rest) row.hidden = false; event.target.remove(); } }, `Show the other ${rest.length}`);
  const base = side.method === "leave one out" ? "Each share is how the answer changes when that feature alone takes its usual value; they do not add up."
    : `They add up: ${number(side.base, 4)} is usual, and with every share it is ${number(side.base + side.features.reduce((sum, each) => sum + each.share, 0), 4)} in ${side.unit}.`;
  return h("section", { class: `expert ${side.side}` },
    h("h2", {}, `The ${side.side} expert said ${side.votes ? "yes" : "no"}`),
    h("div", { class: `gauge large ${side.side} ${side.votes ? "over" : ""}` }, h("i", {}, h("b", { style: { width: `${100 * side.probability}%` } }), h("u", { style: { left: `${100 * side.threshold}%` } })), h("em", {}, percent(side.probability, 2))),
    h("p", { class: "soft" }, `It needs more than ${percent(side.threshold)}. `, side.stored === null ? "Nothing was stored to compare with." : side.same ? "The stored number has the same bits." : `Stored was ${side.stored}, now it is ${side.probability}.`),
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": `contributions to the ${side.side} expert` }, h("table", { class: "pulls" },
      h("thead", {}, h("tr", {}, ["Feature", "Was", "Usual", `Pull (${side.method})`, side.unit].map((each) => h("th", { scope: "col" }, each)))), h("tbody", {}, rows))),
    more, h("p", { class: "soft" }, base));
}

export async function open(host, house, symbol, timeframe, id, time) {
  const bot = id === "-" ? "" : id, opened = Number(time);
  const found = await get("why", { symbol, timeframe, id: bot, time: opened });
  const signal = found.signal, wish = signal ? direction(signal.signal) : "none", back = path("ticker", symbol, timeframe, ...(bot ? [bot] : []));
  const step = span(timeframe);
  host.append(h("div", { class: "title" }, h("h1", {}, h("a", { href: back }, `${symbol} ${timeframe}`), " at ", h("time", {}, clock(opened, true))),
    h("nav", { class: "frames", "aria-label": "neighbours" }, h("a", { href: path("signal", symbol, timeframe, id, opened - step) }, "\u2190 bar before"), h("a", { href: path("signal", symbol, timeframe, id, opened + step) }, "bar after \u2192"))),
  h("section", { class: `verdict ${wish}` }, h("p", { class: "big" }, h("span", { class: `wish ${wish}` }, signal?.held ? "\u25cf held at 0.5" : told[wish]), found.why && h("span", { class: `bits ${found.why.same ? "good" : "bad"}` }, found.why.same ? "\u2713 bits agree" : "\u2717 bits differ")),
    h("p", { class: "sentence" }, found.sentence), signal && facts(signal, step, house), signal && pace(signal, found.bar_lag, step)));
  if (found.why) for (const model of found.why.models) host.append(...[found.why.models.length > 1 && h("h2", { class: "model" }, model.name), h("div", { class: "pair" }, model.sides.map(expert))].filter(Boolean));
  if (signal && house.account) host.append(h("section", {}, h("h2", {}, "What the desk did"), found.orders.length
    ? table(["Order", "Side", "Quantity", "Price", "State", "Why"], found.orders.map(([kind, role, side, quantity, at, status, filled, reason]) => [`${kind} ${role}`, side, number(quantity, 0), at === null ? "market" : at, status === "filled" ? status : `${status}, ${number(filled, 0)} filled`, reason]), { label: "orders" })
    : h("p", { class: "soft" }, signal.late ? "Nothing: it came too late to be traded." : "It sent no order for this ticker before the next bar closed.")));
  if (found.bars?.length) host.append(h("section", {}, h("h2", {}, signal ? "The bars it saw" : "The bars until then"), h("p", { class: "soft" }, `The last ${found.bars.length}${found.why ? ` of ${found.why.memory}` : ""} bars; the shaded one is the bar in question.`), candles(found.bars)));
  return { title: `${symbol} ${timeframe} at ${clock(opened, true)}` };
}

// How long after the bar's close each stage was reached; what no worker has told is left out.
function pace(signal, stored, step) {
  const { received, features, models } = signal.lags ?? {};
  const stages = [["bar stored", stored], ["received", received], ["features", features], ["models", models], ["signal stored", seconds(signal.received_at) - seconds(signal.bar_time) - step]];
  return h("dl", { class: "facts pace" }, h("div", {}, h("dt", {}, "From the close to"), h("dd", {}, "\u00a0")),
    stages.filter(([, lag]) => Number.isFinite(lag)).map(([name, lag]) => h("div", {}, h("dt", {}, name), h("dd", {}, Math.abs(lag) < 10 ? `${number(1000 * lag, 1)} ms` : lasting(lag)))));
}

function facts(signal, step, house) {
  const lag = seconds(signal.received_at) - seconds(signal.bar_time) - step;
  const rows = [["Stored as", `number ${signal.seq}`], ["After the close", lag < 3600 ? lasting(lag) : `${lasting(lag)}, too late to be traded`], ["Bot", signal.id],
    ["Bundle", house.me.bundles && signal.bundle ? h("a", { href: path("bundles", signal.symbol, signal.timeframe) }, signal.bundle) : signal.bundle || "none named"]];
  return h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
