// What is deployed: champions, challengers, their judged figures and age, what came true, and how far features drifted.

import { h, table } from "./element.js";
import { matured } from "./matured.js";
import { get, now } from "./server.js";
import { clock, lasting, number, path, percent, seconds } from "./words.js";

const reportOf = (ticker, version) => `/dashboard/report?${new URLSearchParams({ ...ticker, version })}`;
const age = (text) => lasting(now() - seconds(text));

export async function open(host, house, symbol, timeframe) {
  return symbol ? compare(host, symbol, timeframe) : list(host);
}

async function list(host) {
  const { bundles, limit } = await get("bundles");
  host.append(h("h1", {}, "Bundles"));
  if (!bundles.length) { host.append(h("section", { class: "empty" }, "The shelf is empty. instant-trader train makes a bundle.")); return { title: "Bundles" }; }
  const rows = bundles.map((each) => [each.deployed.includes("champion") ? h("a", { href: path("bundles", each.symbol, each.timeframe) }, `${each.symbol} ${each.timeframe}`) : `${each.symbol} ${each.timeframe}`,
    each.version, each.created ? age(each.created) : "", h("span", { class: `mark ${each.verdict}` }, each.verdict), each.deployed || "\u2013", drifting(each, limit), each.fault || each.models.join(", ")]);
  host.append(h("section", {}, table(["Ticker", "Version", "Age", "Verdict", "Deployed as", "Drift", "Models"], rows, { class: "text", label: "bundles" })));
  return { title: "Bundles" };
}

const drifting = ({ drift, held }, limit) => drift === null && !held ? "\u2013"
  : h("span", { class: held || drift > limit ? "mark refused" : "", title: held }, drift === null ? "" : number(drift, 2), held ? " held at 0.5" : drift > limit ? " drifted" : "");

function aged({ taught, judged, deployed, reach_s: reach, old }) {
  const day = (text) => `${clock(seconds(text), true).slice(0, 10)} (${age(text)} ago)`;
  const told = [taught && `taught on bars until ${day(taught)}`, judged && `judged until ${day(judged)}`, deployed && `deployed ${age(deployed)} ago`].filter(Boolean).join(", ");
  return [told && h("p", { class: "soft" }, told[0].toUpperCase() + told.slice(1), "."), old && h("p", {}, h("span", { class: "mark refused" }, "old"),
    ` The judge followed its models for ${lasting(reach)} after their last lesson, and it is at work for longer than that since. Train again.`)];
}

// What the judge saw of probabilities stands beside what became of them since, as soon as there is any.
const judgedFigures = (each) => new Map(flat(each.figures, each.matured.models.some((model) => model.judged) ? "accuracy" : ""));

function flat(figures, but, before = "") {
  return Object.entries(figures).filter(([name]) => name !== but).flatMap(([name, value]) => value !== null && typeof value === "object" && !Array.isArray(value) ? flat(value, but, `${before}${name} `)
    : Array.isArray(value) ? [] : [[`${before}${name}`.replaceAll("_", " "), value]]);
}

const shown = (value) => value === undefined || value === null ? "\u2013" : typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 3) : String(value);

function rival(title, each, ticker) {
  if (!each) return h("section", { class: "rival" }, h("h2", {}, title), h("p", { class: "soft" }, "None. instant-trader deploy \u2026 --shadow puts one beside the champion."));
  return h("section", { class: "rival" }, h("h2", {}, title), h("p", { class: "version" }, each.version),
    h("p", {}, h("span", { class: `mark ${each.decision}` }, each.decision), ` made ${age(each.created)} ago`, each.reasons.length > 0 && h("ul", {}, each.reasons.map((reason) => h("li", {}, reason)))),
    h("p", { class: "soft" }, `${each.models.join(", ")}; ${each.features.long} long and ${each.features.short} short features; ${each.memory} bars`),
    aged(each.age), h("p", { class: "soft" }, each.spans.map((span) => `${span.purpose} ${clock(seconds(span.first), true).slice(0, 10)} to ${clock(seconds(span.last), true).slice(0, 10)}`).join("; ")),
    each.report && h("p", {}, h("a", { href: reportOf(ticker, each.version), target: "_blank", rel: "noopener" }, "What the judge saw")));
}

async function compare(host, symbol, timeframe) {
  const ticker = { symbol, timeframe }, found = await get("bundle", ticker), { champion, challenger } = found;
  host.append(h("div", { class: "title" }, h("h1", {}, h("a", { href: path("ticker", symbol, timeframe) }, `${symbol} ${timeframe}`)), h("span", { class: "soft" }, h("a", { href: "#/bundles" }, "all bundles"))),
    h("div", { class: "pair" }, rival("Champion", champion, ticker), rival("Challenger", challenger, ticker)));
  const one = judgedFigures(champion), other = challenger ? judgedFigures(challenger) : new Map();
  const names = [...new Set([...one.keys(), ...other.keys()])];
  if (names.length) host.append(h("section", {}, h("h2", {}, "What the judge measured"), table(challenger ? ["Figure", "Champion", "Challenger"] : ["Figure", "Champion"],
    names.map((name) => [name, shown(one.get(name)), ...(challenger ? [shown(other.get(name))] : [])]), { label: "judged figures" })));
  if (challenger) host.append(agreement(found.agreement));
  host.append(drifted(champion.drift, "champion"), matured(challenger ? "What became of the champion's predictions" : "What became of its predictions", champion.matured));
  if (challenger) host.append(drifted(challenger.drift, "challenger"), matured("What became of the challenger's predictions", challenger.matured));
  return { title: `Bundles of ${symbol} ${timeframe}` };
}

function agreement(counts) {
  const all = counts.reduce((sum, each) => sum + each[2], 0), same = counts.filter(([one, other]) => one === other).reduce((sum, each) => sum + each[2], 0);
  const wishes = [[1, "long"], [0.5, "neutral"], [-1, "short"]], count = (one, other) => counts.find((each) => each[0] === one && each[1] === other)?.[2] ?? 0;
  return h("section", {}, h("h2", {}, "Agreement"), all ? [h("p", { class: "big" }, percent(same / all)), h("p", { class: "soft" }, `Of ${number(all, 0)} bars that both answered, they wanted the same on ${number(same, 0)}.`),
    table(["Champion wanted", "challenger long", "neutral", "short"], wishes.map(([one, name]) => [name, ...wishes.map(([other]) => h("span", { class: one === other ? "strong" : "" }, number(count(one, other), 0)))]), { label: "agreement" })]
    : h("p", { class: "soft" }, "They have not answered the same bars yet."));
}

function drifted(drift, whose) {
  const title = h("h2", {}, `Drift of the ${whose}'s features`);
  if (!drift.features.length) return h("section", {}, title, h("p", { class: "soft" }, drift.sentence ?? "Too few live bars are stored to tell."));
  const beyond = drift.features.filter((each) => each.psi > drift.limit).length;
  const heat = (value) => value === null ? h("span", { class: "soft", title: "too few bars" }, "\u2013") : h("span", { class: "heat", style: { "--depth": `${Math.min(100, 100 * value / (2 * drift.limit))}%` }, title: number(value, 3) }, number(value, 2));
  return h("section", {}, title, h("p", {}, h("span", { class: `mark ${drift.drifted ? "refused" : "deployable"}` }, drift.drifted ? (drift.holds ? "drifted, held at 0.5" : "drifted") : "not drifted"),
      ` ${beyond} of ${drift.features.length} features moved by more than ${drift.limit}; half of them by ${number(drift.typical, 2)} or more. `, drift.drifted ? (drift.holds ? "Its signals are 0.5 until the features are back or another bundle is deployed." : "Nothing is held, since farm.drift_limit is not set.") : ""),
    h("p", { class: "soft" }, `Population stability (PSI) of ${number(drift.bars, 0)} bars against the golden rows of training: below 0.1 nothing moved, above 0.25 it is another population. A bundle has drifted when more than half of its features are beyond the limit.`),
    table(["Feature", "Side", "Now", ...drift.days], drift.features.map((each) => [each.name, each.side, heat(each.psi), ...each.days.map(heat)]), { class: "named", label: `drift of the ${whose}` }));
}
