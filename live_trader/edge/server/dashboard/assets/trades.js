// What the desk traded: the account, its statistics, live beside the back-test, and every trade, to search and take along.

import { h, table } from "./element.js";
import { get } from "./server.js";
import { clock, lasting, number, path, percent, price, signed, slot } from "./words.js";
import { curve } from "./curve.js";
import { ALL, spelled } from "./figures.js";
import { parity } from "./parity.js";

const NAMES = ["id", "slot", "symbol", "timeframe", "direction", "quantity", "entry", "exit", "stop", "target", "opened", "closed", "reason", "fees", "profit", "risked"];
const SHOWN = 200;
const tone = (value) => value > 0 ? "good" : value < 0 ? "bad" : "";

function sums(trades) {
  const wins = trades.filter((each) => each.profit > 0), gain = wins.reduce((sum, each) => sum + each.profit, 0);
  const profit = trades.reduce((sum, each) => sum + each.profit, 0), loss = gain - profit;
  return { count: trades.length, profit, share: trades.length ? wins.length / trades.length : null, factor: loss > 0 ? gain / loss : null, fees: trades.reduce((sum, each) => sum + each.fees, 0) };
}

function grouped(trades, name) {
  const groups = new Map();
  for (const each of trades) groups.set(name(each), [...(groups.get(name(each)) ?? []), each]);
  return [...groups].map(([title, some]) => { const all = sums(some); return [title, number(all.count, 0), percent(all.share, 0), all.factor === null ? "\u2013" : number(all.factor, 2), h("span", { class: tone(all.profit) }, signed(all.profit))]; });
}

const sorted = (title, some, name) => h("section", {}, h("h2", {}, `By ${title.toLowerCase()}`), table([title, "Trades", "Won", "Factor", "Profit"], grouped(some, name), { label: `by ${title.toLowerCase()}` }));

function account({ curve: points, figures }) {
  const worth = points.map(([time, equity]) => [time, equity]), depth = points.map(([time, equity, peak]) => [time, 100 * (equity / peak - 1)]);
  return [
    h("div", { class: "pair" }, h("section", {}, h("h2", {}, "Equity"), h("p", { class: "big" }, number(points.at(-1)[1])), curve(worth, 120, { label: "equity over time" })),
      h("section", {}, h("h2", {}, "Drawdown"), h("p", { class: "big" }, percent(Math.min(...depth.map(([, share]) => share)) / 100, 2), h("small", { class: "soft" }, "at the deepest")), curve(depth, 120, { label: "drawdown over time, in per cent" }))),
    h("section", {}, h("h2", {}, "Statistics"), h("p", { class: "soft" }, "Of every trade the desk ever ended, by the arithmetic that back-tests and the judge use."),
      h("dl", { class: "facts figures" }, ALL.map(([title, name, format]) => h("div", {}, h("dt", {}, title), h("dd", {}, spelled(figures, name, format)))))),
  ];
}

export async function open(host) {
  const [found, proven] = await Promise.all([get("trades"), parity()]);
  const trades = found.trades.map((row) => { const each = Object.fromEntries(NAMES.map((name, at) => [name, row[at]])); for (const name of ["quantity", "entry", "exit", "fees", "profit", "risked"]) each[name] = Number(each[name]); return each; });
  const body = h("div"), find = h("input", { type: "search", placeholder: "Symbol, strategy, direction, reason", "aria-label": "Filter trades", oninput: draw });
  host.append(h("h1", {}, "Trades"));
  if (!found.curve.length && !found.all) host.append(h("section", {}, h("h2", {}, "No account yet"), h("p", {}, "No desk has told this server of trades. Signals become orders on paper with ", h("code", {}, "desk.enabled = true"), " in instant_trader.toml.")), ...proven.filter(Boolean));
  if (!found.curve.length && !found.all) return { title: "Trades" };
  if (found.curve.length > 1) host.append(...account(found));
  host.append(...proven.filter(Boolean), h("div", { class: "bar" }, find, h("button", { onclick: save }, "Save as CSV")), body);

  const chosen = () => trades.filter((each) => `${each.symbol} ${each.timeframe} ${each.slot} ${each.direction} ${each.reason}`.toLowerCase().includes(find.value.trim().toLowerCase()));

  function draw() {
    const some = chosen(), all = sums(some);
    const cards = [["Trades", number(all.count, 0), ""], ["Profit", signed(all.profit), tone(all.profit)], ["Won", percent(all.share, 0), ""], ["Profit factor", all.factor === null ? "\u2013" : number(all.factor, 2), ""], ["Fees", number(all.fees), ""]];
    body.replaceChildren(h("div", { class: "cards" }, cards.map(([name, value, feel]) => h("div", { class: "card" }, h("span", {}, name), h("strong", { class: feel }, value)))),
      h("div", { class: "pair" }, sorted("Strategy", some, (each) => slot(each.slot)), sorted("Month", some, (each) => clock(each.closed, true).slice(0, 7))),
      h("section", {}, h("h2", {}, "Every trade"), some.length > SHOWN && h("p", { class: "soft" }, `The newest ${SHOWN} of ${number(some.length, 0)}; the CSV has all of these.`),
        found.all > trades.length && h("p", { class: "soft" }, `This page knows the newest ${number(trades.length, 0)} of ${number(found.all, 0)} trades; `, h("code", {}, "instant-trader export"), " writes every one."),
        table(["Closed", "Ticker", "Side", "Quantity", "Entry", "Exit", "Held", "Why", "Profit"], some.slice(0, SHOWN).map((each) => [clock(Math.floor(each.closed), true), h("a", { href: path("ticker", each.symbol, each.timeframe) }, `${each.symbol} ${each.timeframe}`),
          h("span", { class: each.direction }, each.direction), number(each.quantity, 0), price(each.entry), price(each.exit), lasting(each.closed - each.opened), each.reason, h("span", { class: tone(each.profit) }, signed(each.profit))]), { class: "named", label: "trades" })));
  }

  function save() {
    const quoted = (value) => { const text = String(value ?? ""); return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };
    const rows = [NAMES, ...chosen().map((each) => NAMES.map((name) => name === "opened" || name === "closed" ? new Date(each[name] * 1000).toISOString() : each[name]))];
    const link = h("a", { href: URL.createObjectURL(new Blob([rows.map((row) => row.map(quoted).join(",")).join("\r\n")], { type: "text/csv" })), download: "trades.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  draw();
  return { title: "Trades" };
}
