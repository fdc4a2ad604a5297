// Live beside the back-test: how much is equal to the last bit, both accounts in one picture, and every difference with its cause.

import { h, table } from "./element.js";
import { get, now } from "./server.js";
import { clock, lasting, number, path, percent, price, seconds, signed, slot } from "./words.js";
import { curve } from "./curve.js";
import { ALL, spelled } from "./figures.js";

const OLD = 86400;
const command = () => h("code", {}, "instant-trader parity");

// Only what is whole may say 100%: one difference in a million must show.
const exact = (equal, all) => equal === all ? "100%" : `${number(Math.floor(1e6 * equal / all) / 1e4, 4)}%`;

function share(equal, all, what) {
  if (!all) return h("div", { class: "card" }, h("span", {}, `No ${what} to compare`), h("strong", {}, "\u2013"));
  return h("div", { class: "card" }, h("span", {}, `of ${number(all, 0)} ${what} are equal`), h("strong", { class: equal === all ? "good" : "bad" }, exact(equal, all)));
}

function beside(title, live, past, name) {
  const names = [...new Set([...live[name], ...past[name]].map((each) => each.name))].sort();
  const of = (side, wanted) => side[name].find((each) => each.name === wanted);
  const cells = (each) => each ? [number(each.trades, 0), signed(each.profit)] : ["\u2013", "\u2013"];
  const rows = names.map((each) => { const one = cells(of(live, each)), other = cells(of(past, each)); return [slot(each), one[0], other[0], one[1], other[1], verdict(one.join() === other.join())]; });
  return h("div", {}, h("h3", {}, title), table([title.replace("By ", "").replace(/^./, (letter) => letter.toUpperCase()), "Trades live", "back-test", "Profit live", "back-test", ""], rows, { label: `live beside back-test, ${title.toLowerCase()}` }));
}

const verdict = (same) => h("span", { class: same ? "soft" : "bad" }, same ? "equal" : "differs");

const KEY = new Set(["trades", "net_profit", "win_rate", "profit_factor", "drawdown", "sharpe"]);

function figures(live, past, chosen) {
  const rows = chosen.map(([title, name, format]) => { const one = spelled(live.figures, name, format), other = spelled(past.figures, name, format); return [title, one, other, verdict(live.figures[name] === past.figures[name])]; });
  return table(["Figure", "Live", "Back-test", ""], rows, { label: "statistics, live beside back-test" });
}

const trade = (each) => each ? `${each.direction} ${number(each.quantity, 0)}, ${price(+each.entry)} \u2192 ${price(+each.exit)}, ${each.reason}, ${signed(+each.profit)}` : "no such trade";

function unequal(proof) {
  const time = (each) => { const at = seconds(each.time); return each.kind === "signal" ? h("a", { href: path("signal", ...each.ticker.split(" "), "-", at) }, clock(at, true)) : clock(at, true); };
  return [
    proof.differences.length > 0 && h("section", {}, h("h2", {}, "What differs, and why"), proof.more > 0 && h("p", { class: "soft" }, `The first ${proof.differences.length} of ${number(proof.differences.length + proof.more, 0)}.`),
      table(["Time", "Cause", "Ticker", "What", "Live", "Back-test"], proof.differences.map((each) => [time(each), h("strong", {}, each.cause), each.ticker, each.kind === "signal" ? "signal" : "first trade", each.live, each.past]), { class: "text", label: "differences" })),
    proof.pairs.length > 0 && h("section", {}, h("h2", {}, "Trades that are not on both sides"),
      table(["Opened", "Ticker", "Live", "Back-test"], proof.pairs.map((each) => [clock(seconds(each.opened), true), each.ticker, trade(each.live), trade(each.past)]), { class: "text", label: "unequal trades" })),
  ];
}

function compared(proof, since) {
  const made = seconds(proof.made), age = Math.max(0, now() - made);
  const reach = proof.since || proof.until ? ` It looked at what happened ${[proof.since && `from ${clock(seconds(proof.since), true)}`, proof.until && `up to ${clock(seconds(proof.until), true)}`].filter(Boolean).join(" ")}.` : "";
  const behind = [since > 0 && `${number(since, 0)} ${since === 1 ? "trade has" : "trades have"} ended since`, age > OLD && "it is more than a day old"].filter(Boolean).join(", and ");
  return h("p", {}, `Compared ${clock(Math.floor(made), true)} UTC, ${lasting(age)} ago.${reach} `, behind ? `${behind[0].toUpperCase()}${behind.slice(1)}: ` : "", behind ? command() : "", behind ? " compares anew." : "");
}

function told({ proof, since }) {
  const { live, past } = proof, uneven = proof.tickers.some((each) => each.equal !== each.signals);
  return [
    h("section", {}, h("h2", {}, "Live beside back-test"), compared(proof, since),
      h("div", { class: "cards" }, share(proof.equal_signals, proof.signals, "signals"), share(proof.equal_trades, proof.trades, "trades")),
      live && past && h("div", { class: "beside" }, curve(live.curve, 150, { beside: past.curve, label: "equity live and in the back-test" }),
        h("p", { class: "key" }, h("span", {}, h("i", { class: "live-line" }), `Live, ${number(live.curve.at(-1)[1])} ${proof.currency}`), h("span", {}, h("i", { class: "past-line" }), `Back-test, ${number(past.curve.at(-1)[1])} ${proof.currency}`)), figures(live, past, ALL.filter(([, name]) => KEY.has(name))),
        h("details", {}, h("summary", {}, "Every figure, by strategy and by month"), h("div", { class: "pair" }, figures(live, past, ALL), h("div", {}, beside("By strategy", live, past, "strategies"), beside("By month", live, past, "months")))))),
    ...unequal(proof),
    (uneven || !live) && proof.tickers.length > 0 && h("section", {}, h("h2", {}, "Signals by ticker"), table(["Ticker", "Signals", "Equal", "Share"], proof.tickers.map((each) => [each.ticker, number(each.signals, 0), number(each.equal, 0), percent(each.equal / each.signals, 2)]), { label: "equal signals by ticker" })),
  ];
}

export async function parity() {
  let found;
  try { found = await get("parity"); } catch (fault) {
    if (fault.status === 401) throw fault;
    return [h("section", {}, h("h2", {}, "Live beside back-test"), h("p", { role: "alert" }, fault.message))];
  }
  if (found.proof) return told(found);
  return [h("section", {}, h("h2", {}, "Live beside back-test"),
    h("p", {}, "Nobody has compared them yet. Run ", command(), " where the farm runs: it makes every stored signal and trade once more, by the same functions from the stored bars, and names the cause of every difference. What it finds appears here."))];
}
