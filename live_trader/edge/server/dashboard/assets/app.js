// The house of the pages: who is logged in, which page is open, what the stream says to it.

import { h } from "./element.js";
import { Stream, clockIsOff, enter, get, me, now, post } from "./server.js";
import { clock, lasting } from "./words.js";
import * as overview from "./overview.js";
import * as ticker from "./ticker.js";
import * as signal from "./signal.js";
import * as bundles from "./bundles.js";
import * as trades from "./trades.js";
import * as events from "./events.js";

const PAGES = { "": overview, ticker, signal, bundles, trades, events };
const page = document.getElementById("page"), head = document.getElementById("head"), notice = document.getElementById("notice");
const house = { me: null, account: false, open: null, stream: null, turn: 0 };

function say(text, kind = "") {
  notice.replaceChildren(...(text ? [h("p", { class: kind }, text)] : []));
}

function drawHead() {
  const here = location.hash.split("/")[1] ?? "";
  const link = (name, text) => h("a", { href: `#/${name}`, "aria-current": here === name ? "page" : null }, text);
  head.replaceChildren(
    h("a", { class: "brand", href: "#/", "aria-label": "Instant Trader, overview" }, h("img", { src: "/dashboard/mark.svg", alt: "" }), "Instant Trader"),
    h("nav", { "aria-label": "pages" }, link("", "Overview"), house.me.bundles && link("bundles", "Bundles"),
      link("trades", "Trades"), link("events", "Events")),
    h("span", { id: "live", class: "live" }),
    h("time", { id: "clock", title: "the server's clock, UTC" }),
    h("button", { class: "quiet", onclick: leave }, "Log out"));
  drawLive();
}

let state = "lost";
let lostAt = 0;
function drawLive() {
  const live = document.getElementById("live");
  if (!live) return;
  live.className = `live ${state}`;
  live.textContent = state === "live" ? "live" : "reconnecting";
  document.getElementById("clock").textContent = `${clock(Math.floor(now() / 60) * 60, true)} UTC`;
}

async function heard(next) {
  const before = state;
  state = next;
  if (next === "out") { house.stream = null; return showLogin("This session has ended."); }
  if (next === "lost" && !lostAt) lostAt = now();
  if (next === "lost" && now() - lostAt > 1.5) say(`The stream is lost since ${lasting(now() - lostAt)}. What you see may be old; the page reconnects by itself.`, "bad");
  if (next === "live" && before !== "live") {
    const off = clockIsOff();
    say(off ? `This computer's clock is off by ${lasting(Math.abs(off))}; every age here is told by the server's clock.` : "");
    if (lostAt && house.open?.refresh) await house.open.refresh();
    lostAt = 0;
  }
  drawLive();
}

function listen(after) {
  house.stream?.close();
  house.stream = new Stream(after, (events) => {
    const account = events.some(({ kind }) => kind === "order" || kind === "fill");
    house.account ||= account;
    house.open?.heard?.(events);
  }, heard);
}

async function show() {
  const [, name = "", ...parts] = location.hash.split("/").map(decodeURIComponent);
  if (name === "login") return login(parts[0]);
  const turn = ++house.turn;
  house.open?.close?.();
  house.open = null;
  const room = PAGES[name];
  drawHead();
  const fresh = h("div", { class: "room" });
  try {
    if (!room) throw new Error("There is no such page.");
    const opened = await room.open(fresh, house, ...parts);
    if (turn !== house.turn) { opened?.close?.(); return; }
    house.open = opened;
    page.replaceChildren(fresh);
    opened?.shown?.();
    document.title = `${opened?.title ?? "Overview"} \u2013 Instant Trader`;
  } catch (fault) {
    if (turn !== house.turn) return;
    if (fault.status === 401) return showLogin("This session has ended.");
    page.replaceChildren(h("section", { class: "empty" }, h("h1", {}, "That cannot be shown"), h("p", {}, fault.message),
      h("p", {}, h("a", { href: "#/" }, "Back to the overview"))));
  }
  window.scrollTo(0, 0);
}

async function leave() {
  await post("logout", {}).catch(() => {});
  showLogin("You are logged out.");
}

function showLogin(text) {
  house.turn += 1;
  house.stream?.close();
  house.open?.close?.();
  house.open = null;
  head.replaceChildren();
  say("");
  document.title = "Instant Trader";
  const copy = h("code", {}, "instant-trader dashboard");
  page.replaceChildren(h("section", { class: "login" }, h("img", { src: "/dashboard/mark.svg", alt: "" }), h("h1", {}, "Instant Trader"),
    h("p", { role: "alert" }, text), h("p", {}, "Run ", copy, " where the farm runs. It prints a link that opens this page once.")));
}

async function login(key) {
  history.replaceState(null, "", location.pathname + "#/");
  try {
    await enter(key);
    await start();
  } catch (fault) { showLogin(fault.message); }
}

async function start() {
  house.me = await me();
  house.account = (await get("overview")).account !== null;
  listen(house.me.seq);
  await show();
}

addEventListener("hashchange", () => { if (house.me || location.hash.startsWith("#/login/")) show(); });
setInterval(() => { drawLive(); house.open?.tick?.(); }, 1000);

if (location.hash.startsWith("#/login/")) login(decodeURIComponent(location.hash.split("/")[2]));
else start().catch((fault) => showLogin(fault.status === 401 ? "Nobody is logged in here." : fault.message));
