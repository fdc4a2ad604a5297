// What happened to farm, bots, portfolios and bars, newest first, to search, and live.

import { h, table } from "./element.js";
import { get } from "./server.js";
import { clock, path } from "./words.js";

const KINDS = [["", "Everything"], ["restart", "Restarts"], ["swap", "Swaps"], ["refusal", "Refusals"], ["fault", "Faults"], ["bot", "Fresh, stale, absent"], ["portfolio", "Portfolios"], ["revision", "Revised bars"]];
const NEWS = new Set(["farm", "bot", "portfolio", "order"]);
const PAGE = 100;

function named(who) {
  const [, symbol, timeframe] = /^(\S+) ([SMHD]\d+)$/.exec(who) ?? [];
  return symbol ? h("a", { href: path("ticker", symbol, timeframe) }, who) : h("strong", {}, who);
}

function sentence([, , kind, symbol, timeframe, who, what, time]) {
  if (kind === "bot") return [h("span", { class: `state ${what.toLowerCase()}` }, what), ` ${who} on `, h("a", { href: path("ticker", symbol, timeframe, who) }, `${symbol} ${timeframe}`)];
  if (kind === "portfolio") return [`The portfolio's ${who} came into force, trading ${what}`];
  if (kind === "revision") return ["The bar of ", h("a", { href: path("signal", symbol, timeframe, "-", time) }, clock(time, true)), ` of ${symbol} ${timeframe} was revised`];
  return [h("span", { class: `state ${kind}` }, kind.toUpperCase()), " ", named(who), ` ${what}`];
}

export async function open(host, house, text = "") {
  let rows = [], ended = false, turn = 0;
  const find = h("input", { type: "search", value: text, placeholder: "Ticker, day, cause: any words", "aria-label": "Search events", oninput: () => load(true) });
  const kind = h("select", { "aria-label": "Kind of event", onchange: () => load(true) }, KINDS.map(([value, name]) => h("option", { value }, name)));
  const list = h("div", { "aria-live": "polite" }), more = h("button", { onclick: () => load(false) }, "Older");
  host.append(h("h1", {}, "Events"), h("div", { class: "bar" }, find, kind), h("section", {}, list, more));

  async function load(anew) {
    const mine = ++turn, before = anew || !rows.length ? {} : { before: rows.at(-1)[0] };
    const { events } = await get("events", { text: find.value.trim().slice(0, 100), kind: kind.value, limit: PAGE, ...before });
    if (mine !== turn) return;
    rows = anew ? events : [...rows, ...events];
    ended = events.length < PAGE;
    more.hidden = ended;
    list.replaceChildren(rows.length ? table(["When (UTC)", "What"], rows.map((row) => [clock(Math.floor(row[1]), true), h("span", {}, sentence(row))]), { class: "text story", label: "events" }) : h("p", { class: "soft" }, "Nothing that matches has happened."));
  }

  // Whoever has turned to older pages is left in peace.
  let soon = 0;
  function heard(events) {
    if (soon || rows.length > PAGE || !events.some(({ kind: each, data }) => NEWS.has(each) || data.revised)) return;
    soon = setTimeout(() => { soon = 0; load(true).catch(() => {}); }, 500);
  }

  await load(true);
  return { title: "Events", heard, refresh: () => load(true), close: () => clearTimeout(soon) };
}
