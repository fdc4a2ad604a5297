// Candles, opinions and signals on a canvas: only visible columns are drawn, each from its least and its most.

import { h } from "./element.js";
import { LONG, NEUTRAL, NONE, SHORT } from "./columns.js";
import { clock, price } from "./words.js";

const RIGHT = 74, FOOT = 24, STRIP = 16, GAP = 10, LEAST = 12, NARROW = 10;
const SPANS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000];
const TINTS = ["ink", "soft", "line", "grid", "good", "bad", "accent", "long", "short", "ghost", "card"];

function steps(low, high, count) {
  const raw = (high - low || 1) / count, size = 10 ** Math.floor(Math.log10(raw));
  const step = size * [1, 2, 2.5, 5, 10].find((each) => each * size >= raw);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
  return found;
}

export class Chart {
  constructor(columns, needs, onMark, onOpen, onOlder) {
    Object.assign(this, { columns, needs, onMark, onOpen, onOlder, held: [], fills: [], spoken: true, seconds: 60, first: 0, count: 160, mark: -1, pinned: -1, asked: 0, pointers: new Map() });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.cross = h("canvas", { class: "cross", "aria-hidden": "true" });
    this.node = h("div", { class: "chart", tabindex: 0, role: "application",
      "aria-label": "Chart. Arrows move bar by bar, plus and minus zoom, Home and End go to the ends, Enter shows why." }, this.canvas, this.cross);
    this.listen();
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.node);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.repaint = () => { this.tint = null; this.draw(); };
    this.scheme.addEventListener("change", this.repaint);
  }

  close() { this.watch.disconnect(); this.scheme.removeEventListener("change", this.repaint); }

  get follows() { return this.first + this.count >= this.columns.length - 1; }

  toEnd() { this.first = Math.max(0, this.columns.length - this.count) + (this.columns.length > this.count ? this.count * 0.04 : 0); this.draw(); }

  show(at, pin = false) {
    this.mark = Math.max(0, Math.min(this.columns.length - 1, at));
    if (pin) this.pinned = this.mark;
    if (this.mark < this.first || this.mark > this.first + this.count - 1) this.first = this.mark - this.count / 2;
    this.draw();
    this.onMark(this.mark);
  }

  zoom(factor, about) {
    const count = Math.max(LEAST, Math.min(Math.max(this.columns.length * 1.05, LEAST), this.count * factor));
    this.first += (this.count - count) * about;
    this.count = count;
    this.draw();
  }

  pan(bars) { this.first += bars; this.draw(); }

  draw() { if (!this.asked) this.asked = requestAnimationFrame(() => { this.asked = 0; this.paint(); }); }

  listen() {
    const node = this.node, place = (event) => (event.clientX - node.getBoundingClientRect().left) / this.width;
    node.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(event.deltaX / this.width * this.count);
      else this.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), place(event));
    }, { passive: false });
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event.clientX);
      this.moved = 0;
    });
    node.addEventListener("pointermove", (event) => {
      const before = this.pointers.get(event.pointerId);
      if (before !== undefined) {
        const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
        if (others.length) this.zoom(Math.abs(before - others[0]) / Math.max(Math.abs(event.clientX - others[0]), 1), 0.5);
        else this.pan((before - event.clientX) / this.width * this.count);
        this.moved += Math.abs(before - event.clientX);
        this.pointers.set(event.pointerId, event.clientX);
      }
      this.point(Math.floor(this.first + place(event) * this.count));
    });
    for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, (event) => {
      if (this.pointers.delete(event.pointerId) && this.moved < 4 && name === "pointerup") this.show(Math.floor(this.first + place(event) * this.count), true);
    });
    node.addEventListener("pointerleave", () => { if (!this.pointers.size) { this.mark = this.pinned; this.drawCross(); this.onMark(this.mark); } });
    node.addEventListener("dblclick", () => this.onOpen(this.mark));
    node.addEventListener("keydown", (event) => {
      const last = this.columns.length - 1, at = this.mark < 0 ? last : this.mark, far = event.shiftKey ? 20 : 1;
      const deed = { ArrowLeft: () => this.show(at - far, true), ArrowRight: () => this.show(at + far, true), Home: () => this.show(0, true), End: () => this.show(last, true),
        "+": () => this.zoom(0.7, 0.5), "=": () => this.zoom(0.7, 0.5), "-": () => this.zoom(1.4, 0.5), Enter: () => this.onOpen(at) }[event.key];
      if (deed) { event.preventDefault(); deed(); }
    });
  }

  point(at) { this.mark = Math.max(0, Math.min(this.columns.length - 1, at)); this.drawCross(); this.onMark(this.mark); }

  paint() {
    const { clientWidth: width, clientHeight: height } = this.node, ratio = devicePixelRatio || 1;
    if (!width || !height) return;
    for (const each of [this.canvas, this.cross]) if (each.width !== Math.round(width * ratio) || each.height !== Math.round(height * ratio)) { each.width = Math.round(width * ratio); each.height = Math.round(height * ratio); }
    if (!this.tint) { const style = getComputedStyle(this.node); this.tint = Object.fromEntries(TINTS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])); }
    this.width = width - (width < 520 ? 56 : RIGHT);
    this.height = height;
    const most = this.columns.length;
    this.count = Math.min(this.count, Math.max(most * 1.05, LEAST));
    this.first = most > this.count ? Math.max(-this.count * 0.1, Math.min(this.first, most - this.count * 0.9)) : (most - this.count) / 2;
    if (this.first < this.count * 0.5) this.onOlder();
    const inner = height - FOOT, strip = inner - STRIP, odds = Math.round(strip * 0.26);
    this.panes = !this.spoken ? { price: [8, inner - 6], odds: [inner - 6, inner - 6], strip: [inner - 6, inner - 6] } : { price: [8, strip - odds - 2 * GAP], odds: [strip - odds - GAP + 4, strip - GAP], strip: [strip, inner - 2] };
    this.pen = this.canvas.getContext("2d");
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, width, height);
    this.pen.font = "11.5px system-ui, sans-serif";
    this.gather();
    if (most) { this.drawAxes(); this.drawHeld(); this.drawBars(); this.drawFills(); }
    if (most && this.spoken) { this.drawOdds(); this.drawStrip(); }
    this.drawCross();
  }

  // One pass over the visible bars makes every column that is drawn, however many bars fall into it.
  gather() {
    const c = this.columns, from = Math.max(0, Math.floor(this.first)), to = Math.min(c.length, Math.ceil(this.first + this.count));
    const step = Math.max(1, Math.ceil(this.count / this.width * 1.6)), columns = [];
    let low = Infinity, high = -Infinity;
    for (let at = from - (from % step); at < to; at += step) {
      const begin = Math.max(at, from), end = Math.min(at + step, to);
      const k = { at: begin, end, open: c.open[begin], close: c.close[end - 1], high: -Infinity, low: Infinity, long: [Infinity, -Infinity], short: [Infinity, -Infinity], said: [0, 0, 0, 0] };
      for (let i = begin; i < end; i += 1) {
        if (c.high[i] > k.high) k.high = c.high[i];
        if (c.low[i] < k.low) k.low = c.low[i];
        k.said[c.signal[i]] += 1;
        const long = c.long[i], short = c.short[i];
        if (long < k.long[0]) k.long[0] = long;
        if (long > k.long[1]) k.long[1] = long;
        if (short < k.short[0]) k.short[0] = short;
        if (short > k.short[1]) k.short[1] = short;
      }
      if (k.low < low) low = k.low;
      if (k.high > high) high = k.high;
      columns.push(k);
    }
    const margin = (high - low) * 0.06 || Math.abs(high) * 0.001 || 1;
    Object.assign(this, { drawn: columns, step, low: low - margin, high: high + margin });
  }

  x(at) { return (at - this.first) / this.count * this.width; }
  y(value, [top, bottom], low, high) { return bottom - (value - low) / (high - low) * (bottom - top); }
  ofPrice(value) { return this.y(value, this.panes.price, this.low, this.high); }
  ofOdds(value) { return this.y(value, this.panes.odds, 0, this.oddsTop); }

  drawAxes() {
    const { pen, tint, panes, width, columns } = this;
    pen.strokeStyle = tint.grid;
    pen.fillStyle = tint.soft;
    pen.textBaseline = "middle";
    pen.beginPath();
    for (const value of steps(this.low, this.high, 6)) { const y = Math.round(this.ofPrice(value)) + 0.5; if (y < 14) continue; pen.moveTo(0, y); pen.lineTo(width, y); pen.fillText(price(value), width + 8, y); }
    pen.textBaseline = "alphabetic";
    const every = SPANS.find((each) => each / this.seconds * width / this.count >= 104) ?? SPANS.at(-1);
    let before = columns.time[this.drawn[0].at], free = 0;
    for (const { at } of this.drawn) {
      const time = columns.time[at], x = Math.round(this.x(at + 0.5)) + 0.5;
      if (Math.floor(time / every) !== Math.floor(before / every) && x > free && x < width - 30) {
        const newDay = Math.floor(time / 86400) !== Math.floor(before / 86400);
        pen.moveTo(x, panes.price[0]);
        pen.lineTo(x, panes.odds[1]);
        pen.fillText(newDay ? clock(time, true).slice(5, every < 86400 ? 16 : 10) : clock(time), x - 14, this.height - 8);
        free = x + 84;
      }
      before = time;
    }
    pen.stroke();
    const close = columns.close[columns.length - 1], y = this.ofPrice(close);
    if (y > panes.price[0] && y < panes.price[1]) { pen.fillStyle = tint.accent; pen.fillRect(width + 2, y - 9, 72, 18); pen.fillStyle = tint.card; pen.fillText(price(close), width + 8, y + 4); }
  }

  drawHeld() {
    const { pen, tint, columns } = this;
    for (const [side, entry, exit, stop, target, opened, closed] of this.held) {
      const from = this.x(columns.find(opened) + 0.5), to = closed ? this.x(columns.find(closed) + 0.5) : this.x(columns.length);
      if (to < 0 || from > this.width) continue;
      pen.globalAlpha = 0.1;
      pen.fillStyle = tint[side];
      pen.fillRect(from, this.panes.price[0], Math.max(to - from, 1), this.panes.price[1] - this.panes.price[0]);
      pen.globalAlpha = 1;
      if (to - from < NARROW) continue;
      pen.setLineDash([5, 4]);
      for (const [value, colour] of [[stop, tint.bad], [target, tint.good], [entry, tint.ink]]) {
        const y = this.ofPrice(+value);
        if (value === null || y < this.panes.price[0] || y > this.panes.price[1]) continue;
        pen.strokeStyle = colour;
        pen.beginPath(); pen.moveTo(from, y); pen.lineTo(to, y); pen.stroke();
      }
      pen.setLineDash([]);
      this.triangle(from, this.ofPrice(+entry), side === "long" ? 6 : -6, tint[side]);
      if (exit !== null) this.triangle(to, this.ofPrice(+exit), side === "long" ? -6 : 6, tint.ink);
    }
  }

  // What was really bought and sold, at its price: a ring on the bar in which it was filled.
  drawFills() {
    const { pen, tint, columns, panes } = this;
    for (const [time, side, , value] of this.fills) {
      const x = this.x(columns.find(time) + 0.5), y = this.ofPrice(+value);
      if (x < 0 || x > this.width || y < panes.price[0] || y > panes.price[1]) continue;
      pen.lineWidth = 2; pen.strokeStyle = side === "buy" ? tint.long : tint.short; pen.fillStyle = tint.card;
      pen.beginPath(); pen.arc(x, y, 4, 0, 7); pen.fill(); pen.stroke(); pen.lineWidth = 1;
    }
  }

  triangle(x, y, size, colour) {
    const { pen } = this;
    pen.fillStyle = colour;
    pen.beginPath(); pen.moveTo(x, y); pen.lineTo(x - Math.abs(size) * 0.8, y + size * 1.5); pen.lineTo(x + Math.abs(size) * 0.8, y + size * 1.5); pen.fill();
  }

  drawBars() {
    const { pen, tint, step } = this, wide = this.width / this.count, body = Math.max(1, Math.min(14, Math.floor(wide * 0.66)));
    for (const [colour, rises] of [[tint.good, true], [tint.bad, false]]) {
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = 1;
      pen.beginPath();
      for (const k of this.drawn) {
        if ((k.close >= k.open) !== rises) continue;
        const x = Math.round(this.x((k.at + k.end) / 2)) + 0.5, top = this.ofPrice(k.high), bottom = this.ofPrice(k.low);
        pen.moveTo(x, top); pen.lineTo(x, Math.max(bottom, top + 1));
        if (step === 1 && body > 1) { const a = this.ofPrice(Math.max(k.open, k.close)), b = this.ofPrice(Math.min(k.open, k.close)); pen.rect(x - body / 2, a, body, Math.max(b - a, 1)); }
      }
      pen.stroke();
      if (step === 1) pen.fill();
    }
    if (wide < 2.2) return;
    const c = this.columns;
    for (const k of this.drawn) {
      const said = c.signal[k.at], before = k.at ? c.signal[k.at - 1] : NONE;
      if (said === before || (said !== LONG && said !== SHORT)) continue;
      const x = this.x(k.at + 0.5);
      if (said === LONG) this.triangle(x, this.ofPrice(k.low) + 5, 5, tint.long); else this.triangle(x, this.ofPrice(k.high) - 5, -5, tint.short);
    }
  }

  drawOdds() {
    const { pen, tint, panes } = this;
    let most = 0;
    for (const k of this.drawn) most = Math.max(most, k.long[1], k.short[1]);
    for (const side of ["long", "short"]) most = Math.max(most, this.needs[side] ?? 0);
    this.oddsTop = Math.min(1, Math.max(0.1, most * 1.15));
    pen.fillStyle = tint.soft;
    pen.fillText(`${Math.round(this.oddsTop * 100)}%`, this.width + 8, panes.odds[0] + 8);
    pen.fillText("0%", this.width + 8, panes.odds[1]);
    pen.strokeStyle = tint.line;
    pen.beginPath(); pen.moveTo(0, panes.odds[1] + 0.5); pen.lineTo(this.width, panes.odds[1] + 0.5); pen.stroke();
    for (const side of ["long", "short"]) {
      pen.strokeStyle = tint[side];
      pen.lineWidth = 1.5;
      pen.beginPath();
      let broken = true;
      for (const k of this.drawn) {
        const [low, high] = k[side], x = this.x((k.at + k.end) / 2);
        if (high === -Infinity) { broken = true; continue; }
        if (broken) pen.moveTo(x, this.ofOdds(high)); else pen.lineTo(x, this.ofOdds(high));
        broken = false;
        if (low !== high) pen.lineTo(x, this.ofOdds(low));
      }
      pen.stroke();
      pen.lineWidth = 1;
      const needs = this.needs[side];
      if (needs === undefined) continue;
      const y = Math.round(this.ofOdds(needs)) + 0.5;
      pen.setLineDash([2, 4]); pen.beginPath(); pen.moveTo(0, y); pen.lineTo(this.width, y); pen.stroke(); pen.setLineDash([]);
    }
  }

  drawStrip() {
    const { pen, tint } = this, [top, bottom] = this.panes.strip, wide = Math.max(1, this.width / this.count * this.step);
    const colours = { [LONG]: tint.long, [SHORT]: tint.short, [NEUTRAL]: tint.line };
    for (const k of this.drawn) {
      const kind = k.said[LONG] || k.said[SHORT] ? (k.said[LONG] >= k.said[SHORT] ? LONG : SHORT) : k.said[NEUTRAL] ? NEUTRAL : NONE;
      if (kind === NONE) continue;
      pen.fillStyle = colours[kind];
      pen.fillRect(this.x(k.at), top, Math.max(1, wide - (wide > 4 ? 1 : 0)), bottom - top);
    }
  }

  drawCross() {
    const pen = this.cross.getContext("2d"), ratio = devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.node.clientWidth, this.node.clientHeight);
    if (this.mark < 0 || !this.tint || !this.columns.length) return;
    const x = Math.round(this.x(this.mark + 0.5)) + 0.5;
    if (x < 0 || x > this.width) return;
    pen.strokeStyle = this.tint.ink;
    pen.globalAlpha = 0.65;
    pen.setLineDash([3, 3]);
    pen.beginPath(); pen.moveTo(x, this.panes.price[0]); pen.lineTo(x, this.panes.strip[1]);
    const y = Math.round(this.ofPrice(this.columns.close[this.mark])) + 0.5;
    pen.moveTo(0, y); pen.lineTo(this.width, y); pen.stroke();
  }
}
