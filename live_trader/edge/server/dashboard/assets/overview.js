// Every bot as a tile, the ones in trouble first; the portfolio, the account, and what a person may do.

import { ask, h, line } from "./element.js";
import { get, post } from "./server.js";
import { direction, lasting, number, path, percent, price, seconds, signed, span, told } from "./words.js";
import { curve } from "./curve.js";

const TROUBLE = { FATAL: 0, BACKOFF: 1, ABSENT: 2, STALE: 3, FRESH: 4 };
const CLOSES = 48, MANY = 60;
const key = (bot) => `${bot.id}/${bot.symbol}/${bot.timeframe}`;
// What the farm says of the worker counts for more than what the server sees of the bot.
const standing = (bot) => bot.child?.state in TROUBLE ? bot.child.state : bot.state;

const STATES = {
  ACTIVE: ["Active", "Orders may open and close positions."],
  REDUCING: ["Only close", "No order may enlarge a position."],
  HALTED: ["Halted", "No orders at all."],
};
const DEEDS = [
  ["REDUCING", "Only close", "From now on no order may enlarge a position. Positions are closed as the desk is set."],
  ["HALTED", "Halt", "From now on no orders are sent at all, not even to close. Open positions stay open until a person acts."],
  ["ACTIVE", "Trade again", "From now on orders may open positions again."],
];

const NOBODY = { id: "", state: "ABSENT", last_signal: null, lag_s: null, owes_s: 0, silent_s: null, closes: [], opinions: {}, needs: {} };

function side(bot, name) {
  const [model, opinion] = Object.entries(bot.opinions)[0] ?? [];
  if (!model) return null;
  const value = opinion[name], needs = bot.needs[name]?.[model];
  return h("div", { class: `gauge ${name} ${needs !== undefined && value > needs ? "over" : ""}`, title: needs === undefined ? "" : `needs more than ${needs}` },
    h("span", {}, name), h("i", {}, h("b", { style: { width: `${100 * value}%` } }), needs !== undefined && h("u", { style: { left: `${100 * needs}%` } })),
    h("em", {}, number(value, 2)));
}

function ailing(bot) {
  const { state, reason, mends } = bot.child;
  return h("a", { class: `tile ailing ${state.toLowerCase()}`, href: path("events", `${bot.symbol} ${bot.timeframe}`), "data-key": key(bot), title: `${reason} ${mends}` },
    h("div", { class: "top" }, h("strong", {}, bot.symbol), h("small", {}, bot.timeframe), h("span", { class: `state ${state.toLowerCase()}` }, state)),
    h("p", { class: "why" }, reason || "The farm gives no reason."), h("p", { class: "mends" }, mends));
}

function tile(bot) {
  if (standing(bot) !== bot.state) return ailing(bot);
  const wish = bot.state === "ABSENT" && bot.last_signal === null ? "none" : direction(bot.last_signal);
  const last = bot.closes.at(-1);
  const lag = bot.lag_s === null ? "no signal yet" : `lag ${bot.lag_s < 10 ? `${number(bot.lag_s, 2)} s` : lasting(bot.lag_s)}`;
  const owes = bot.state !== "FRESH" ? (bot.silent_s === null ? "no bot serves it" : bot.owes_s > 0 ? `owes for ${lasting(bot.owes_s)}` : `silent for ${lasting(bot.silent_s)}`) : lag;
  return h("a", { class: `tile ${bot.state.toLowerCase()}`, href: path("ticker", bot.symbol, bot.timeframe, ...(bot.id ? [bot.id] : [])), "data-key": key(bot) },
    h("div", { class: "top" }, h("strong", {}, bot.symbol), h("small", {}, bot.timeframe), h("span", { class: `state ${bot.state.toLowerCase()}` }, bot.state)),
    h("div", { class: "mid" }, line(bot.closes), h("span", { class: "price" }, last === undefined ? "no bars" : price(last))),
    h("div", { class: "low" }, h("span", { class: `wish ${bot.held ? "held" : wish}`, title: bot.held }, bot.held ? "\u25cf held at 0.5" : told[wish]), h("span", { class: "age" }, owes)),
    bot.child?.reason && h("p", { class: "why" }, bot.child.reason), side(bot, "long"), side(bot, "short"));
}

function part(child) {
  return h("section", { class: `ailing ${child.state.toLowerCase()}` }, h("h2", {}, `The ${child.name} `, h("span", { class: `state ${child.state.toLowerCase()}` }, child.state)), h("p", {}, child.reason), h("p", { class: "mends" }, child.mends));
}

export async function open(host, house) {
  let facts = await get("overview");
  const bots = new Map();
  const tiles = h("div", { class: "tiles" }), counts = h("p", { class: "counts", role: "status" }), parts = h("div", { class: "parts" }), top = h("div", { class: "overview-top" });
  const find = h("input", { type: "search", placeholder: "Find a ticker", "aria-label": "Find a ticker", oninput: draw });
  host.append(h("h1", { class: "unseen" }, "Overview"), parts, top, h("div", { class: "bar" }, counts, find), tiles);

  // A ticker that has a weight but no bot is as absent as a bot that died.
  function take() {
    bots.clear();
    for (const bot of facts.bots) bots.set(key(bot), bot);
    const known = new Set(facts.bots.map((bot) => `${bot.symbol} ${bot.timeframe}`));
    for (const { symbol, timeframe } of facts.portfolio.allocations) {
      const bot = { ...NOBODY, symbol, timeframe };
      if (!known.has(`${symbol} ${timeframe}`)) bots.set(key(bot), bot);
    }
    for (const child of facts.farm?.children ?? []) {
      const [symbol, timeframe] = child.name.split(" "), bot = { ...NOBODY, id: facts.farm.id, symbol, timeframe };
      if (!timeframe || !(child.state in TROUBLE || child.reason)) continue;
      bots.delete(key({ ...bot, id: "" }));
      if (!bots.has(key(bot))) bots.set(key(bot), bot);
      bots.get(key(bot)).child = child;
    }
  }

  async function wish(state, name, text) {
    if (!await ask(`${name}?`, text, name)) return;
    try {
      facts.portfolio = await post("state", { state, version: facts.portfolio.version });
      drawTop();
    } catch (fault) { await refresh(); await ask("That was not done", fault.message, "Understood"); }
  }

  function drawTop() {
    const { state, version, allocations } = facts.portfolio, [name, text] = STATES[state];
    const deeds = DEEDS.filter(([wanted]) => wanted !== state && !(state === "HALTED" && wanted === "REDUCING"));
    const weights = allocations.map((each) => h("li", {}, h("a", { href: path("ticker", each.symbol, each.timeframe) }, `${each.symbol} ${each.timeframe}`), h("span", {}, percent(+each.weight))));
    top.replaceChildren(...[
      h("section", { class: `trading ${state.toLowerCase()}` }, h("h2", {}, "Trading"), h("p", { class: "big" }, name), h("p", {}, text),
        house.me.admin ? h("div", { class: "deeds" }, deeds.map(([wanted, deed, why]) => h("button", { class: wanted === "ACTIVE" ? "" : "danger", onclick: () => wish(wanted, deed, why) }, deed)))
          : h("p", { class: "soft" }, "This session may only look.")),
      facts.account && equity(facts.account),
      h("section", { class: "portfolio" }, h("h2", {}, "Portfolio"), h("p", { class: "big" }, allocations.length ? `${allocations.length} ticker${allocations.length > 1 ? "s" : ""}` : "None yet"),
        h("p", {}, version ? `Version ${version}` : "Every deployed bundle is served; nothing is weighted."),
        weights.length > 0 && h("details", {}, h("summary", {}, "Weights"), h("ul", { class: "weights" }, weights))),
    ].filter(Boolean));
    for (const each of top.querySelectorAll("canvas")) each.dispatchEvent(new Event("placed"));
  }

  function equity({ curve: points }) {
    if (!points.length) return null;
    const [, last, peak] = points.at(-1), first = points[0][1];
    return h("section", { class: "equity" }, h("h2", {}, "Equity"), h("p", { class: "big" }, number(last, 2), h("small", { class: last >= first ? "good" : "bad" }, `${signed(100 * (last / first - 1), 2)}%`)),
      h("p", {}, `${percent(last / peak - 1)} from its peak`), curve(points.map(([time, value]) => [time, value]), 72));
  }

  function draw() {
    const wanted = find.value.trim().toUpperCase();
    const all = [...bots.values()].sort((one, other) => TROUBLE[standing(one)] - TROUBLE[standing(other)]
      || (other.owes_s - one.owes_s) || key(one).localeCompare(key(other)));
    const shown = all.filter((bot) => `${bot.symbol} ${bot.timeframe}`.toUpperCase().includes(wanted));
    const count = (state) => all.filter((bot) => standing(bot) === state).length;
    parts.replaceChildren(...(facts.farm?.children ?? []).filter((child) => !child.name.includes(" ") && child.state in TROUBLE).map(part));
    counts.replaceChildren(...Object.keys(TROUBLE).filter(count).map((state) => h("span", { class: `state ${state.toLowerCase()}` }, `${count(state)} ${state}`)));
    tiles.classList.toggle("many", all.length > MANY);
    tiles.replaceChildren(...(shown.length ? shown.map(tile) : [h("section", { class: "empty" }, wanted ? `No ticker matches \u201c${find.value}\u201d.` : "No bot has spoken yet. A farm's bots appear here by themselves.")]));
  }

  let waiting = 0;
  function later() { if (!waiting) waiting = setTimeout(() => { waiting = 0; draw(); }, 250); }

  function heard(events) {
    for (const { kind, data } of events) {
      if (kind === "portfolio") { facts.portfolio = data; take(); drawTop(); later(); continue; }
      if (kind === "bar") for (const bot of bots.values()) if (bot.symbol === data.symbol && bot.timeframe === data.timeframe && !data.revised) bot.closes = [...bot.closes.slice(1 - CLOSES), data.close];
      if (kind === "farm" || kind === "order" || kind === "fill") { refreshSoon(); continue; }
      if (kind !== "signal" && kind !== "bot") continue;
      const bot = bots.get(key(data));
      if (!bot) { refresh(); return; }
      if (kind === "bot") { bot.state = data.state; refreshSoon(); }
      else Object.assign(bot, { last_signal: data.signal, held: data.held ?? "", last_bar: data.bar_time, opinions: data.probabilities, lag_s: seconds(data.received_at) - seconds(data.bar_time) - span(data.timeframe), owes_s: 0 });
    }
    later();
  }

  async function refresh() { facts = await get("overview"); take(); drawTop(); draw(); }
  let soon = 0;
  function refreshSoon() { if (!soon) soon = setTimeout(() => { soon = 0; refresh().catch(() => {}); }, 1000); }

  take();
  drawTop();
  draw();
  return { title: "Overview", heard, refresh, shown: drawTop, close: () => { clearTimeout(waiting); clearTimeout(soon); } };
}
