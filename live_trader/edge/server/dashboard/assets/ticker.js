// One ticker: its bars, both opinions against their thresholds, its signals, and what was held.

import { h } from "./element.js";
import { get } from "./server.js";
import { clock, number, path, percent, price, seconds, told } from "./words.js";
import { Chart } from "./chart.js";
import { Columns } from "./columns.js";

const FIRST = 1500, MORE = 10_000, KINDS = ["none", "long", "short", "neutral"];

export async function open(host, house, symbol, timeframe, id = "") {
  const about = { symbol, timeframe };
  const found = await get("chart", { ...about, id, limit: FIRST });
  const bot = found.bot, columns = new Columns(), needs = {};
  for (const side of ["long", "short"]) needs[side] = found.needs[side]?.[found.model];
  columns.prepend(found);

  const ails = h("div", { role: "status" }), says = h("div", { class: "reading", "aria-live": "polite" });
  const chart = new Chart(columns, needs, reading, explain, older);
  chart.held = found.held;
  chart.fills = found.fills;
  chart.seconds = found.seconds;
  chart.spoken = found.signals.time.length > 0 || Boolean(found.model);
  let ended = found.bars.time.length < FIRST, asking = false;

  const at = h("input", { type: "datetime-local", id: "at", step: found.seconds < 60 ? 1 : 60 });
  const go = h("form", { class: "goto", onsubmit: (event) => { event.preventDefault(); goTo(); } },
    h("label", { for: "at" }, "Go to (UTC)"), at, h("button", {}, "Show"));
  const frames = found.timeframes.map((name) => h("a", { href: path("ticker", symbol, name), "aria-current": name === timeframe ? "true" : null }, name));
  host.append(
    h("div", { class: "title" }, h("h1", {}, symbol), h("nav", { class: "frames", "aria-label": "timeframes" }, frames),
      h("span", { class: "soft" }, bot ? `bot ${bot}` : "no bot", found.model ? `, ${found.model}` : ""), go),
    ails, says, chart.node,
    h("p", { class: "key" }, h("span", { class: "long" }, h("i"), "long"), h("span", { class: "short" }, h("i"), "short"), h("span", {}, h("i", { class: "dashed" }), "what it must exceed"), h("span", {}, "\u25b2\u25bc the signal turns"), found.held.length > 0 && h("span", {}, "shaded: held, with entry, stop and target"), found.fills.length > 0 && h("span", {}, "\u25cb filled"),
      h("span", { class: "soft" }, "Wheel or pinch to zoom, drag to pan, click a bar to keep it, Enter for why")));

  // What is wrong with its worker, if the farm says so.
  function ail(child) {
    const wrong = child && (child.state === "FATAL" || child.state === "BACKOFF" || child.reason);
    ails.replaceChildren(...(wrong ? [h("p", { class: "ails" }, h("span", { class: `state ${child.state.toLowerCase()}` }, child.state), ` ${child.reason.replace(/\.?$/, ". ")}`, h("span", { class: "soft" }, child.mends, " "), h("a", { href: path("events", `${symbol} ${timeframe}`) }, "What happened"))] : []));
  }
  ail(found.child);

  function whyPath(mark) { return path("signal", symbol, timeframe, bot || "-", columns.time[mark]); }

  function reading(mark) {
    const i = mark < 0 ? columns.length - 1 : mark;
    if (i < 0) { says.replaceChildren(h("span", {}, "No bar is stored yet.")); return; }
    const wish = KINDS[columns.signal[i]], odds = (side) => Number.isNaN(columns[side][i]) ? null
      : h("span", { class: side }, `${side} ${percent(columns[side][i])}`, needs[side] !== undefined && h("small", {}, columns[side][i] > needs[side] ? ` over ${percent(needs[side], 0)}` : ` not over ${percent(needs[side], 0)}`));
    says.replaceChildren(...[h("time", {}, clock(columns.time[i], true)),
      h("a", { class: "button", href: whyPath(i) }, wish === "none" ? "Why none?" : "Why?"),
      ...["open", "high", "low", "close"].map((name) => h("span", { class: "ohlc" }, h("small", {}, name[0].toUpperCase()), price(columns[name][i]))),
      h("span", { class: "ohlc volume" }, h("small", {}, "V"), number(columns.volume[i], 0)),
      h("span", { class: `wish ${wish}` }, columns.held[i] ? "\u25cf held at 0.5" : told[wish], columns.late[i] ? " (late)" : ""), odds("long"), odds("short")].filter(Boolean));
  }

  function explain(mark) { if (mark >= 0) location.hash = whyPath(mark); }

  async function older() {
    if (ended || asking || !columns.length) return;
    asking = true;
    try {
      const part = await get("chart", { ...about, id: bot, before: columns.time[0], limit: MORE });
      const added = columns.prepend(part);
      ended = added < MORE;
      chart.held = [...part.held.filter((each) => each[6]), ...chart.held];
      chart.fills = [...part.fills, ...chart.fills];
      chart.first += added;
      if (chart.mark >= 0) chart.mark += added;
      if (chart.pinned >= 0) chart.pinned += added;
      chart.draw();
    } finally { asking = false; }
  }

  async function goTo() {
    const wanted = seconds(`${at.value}Z`);
    if (!Number.isFinite(wanted)) return;
    while (columns.length && columns.time[0] > wanted && !ended) { if (asking) await new Promise((settle) => { setTimeout(settle, 50); }); else await older(); }
    const i = columns.find(wanted);
    if (!columns.length || wanted < columns.time[0] || wanted - columns.time[i] >= found.seconds) { location.hash = path("signal", symbol, timeframe, bot || "-", wanted - wanted % found.seconds); return; }
    chart.show(i, true);
    says.querySelector(".button")?.focus();
  }

  function heard(events) {
    let changed = false;
    const followed = chart.follows;
    for (const { kind, data } of events) {
      if (kind === "farm" && data.who === `${symbol} ${timeframe}`) { tradeSoon(); continue; }
      if (data.symbol !== symbol || data.timeframe !== timeframe) continue;
      if (kind === "order") { tradeSoon(); continue; }
      if (kind === "bar") { columns.put(seconds(data.time), data); changed = true; }
      if (kind === "signal" && data.id === bot) {
        const opinion = data.probabilities[found.model] ?? Object.values(data.probabilities)[0] ?? {}, i = columns.find(seconds(data.bar_time));
        if (columns.time[i] === seconds(data.bar_time)) { columns.say(i, data.signal, opinion.long, opinion.short, data.seq, data.late, data.held); chart.spoken = changed = true; }
      }
    }
    if (!changed) return;
    if (followed) chart.toEnd(); else chart.draw();
    reading(chart.mark);
  }

  // What was held and filled lately, in place of what was known of that; what is older stays.
  function trade({ bars, held, fills, child }) {
    ail(child);
    const since = bars.time[0] ?? 0;
    chart.held = [...chart.held.filter(([, , , , , , closed]) => closed !== null && closed < since), ...held];
    chart.fills = [...chart.fills.filter(([time]) => time < since), ...fills];
  }

  let soon = 0;
  function tradeSoon() {
    if (!soon) soon = setTimeout(() => { soon = 0; get("chart", { ...about, id: bot, limit: FIRST }).then((part) => { trade(part); chart.draw(); }).catch(() => {}); }, 500);
  }

  // After a break everything that was missed is put in its place; a long break begins anew.
  async function refresh() {
    const part = await get("chart", { ...about, id: bot, limit: FIRST });
    if (columns.length && part.bars.time[0] > columns.time[columns.length - 1]) { location.reload(); return; }
    part.bars.time.forEach((time, i) => columns.put(time, Object.fromEntries(Object.entries(part.bars).map(([name, all]) => [name, all[i]]))));
    part.signals.time.forEach((time, i) => { const place = columns.find(time); if (columns.time[place] === time) columns.say(place, part.signals.signal[i], part.signals.long[i], part.signals.short[i], part.signals.seq[i], part.signals.late[i], part.signals.held[i]); });
    trade(part);
    chart.toEnd();
    reading(chart.mark);
  }

  const shown = () => { if (columns.length) at.value = clock(columns.time[columns.length - 1], true).replace(" ", "T").slice(0, found.seconds < 60 ? 19 : 16); chart.toEnd(); reading(-1); };
  return { title: `${symbol} ${timeframe}`, heard, refresh, shown, close: () => { clearTimeout(soon); chart.close(); }, chart };
}
