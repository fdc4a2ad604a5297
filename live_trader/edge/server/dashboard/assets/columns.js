// Bars and signals of one ticker as typed columns, oldest first, grown at either end.

export const NONE = 0, LONG = 1, SHORT = 2, NEUTRAL = 3;
const KINDS = { "1": LONG, "-1": SHORT, "0.5": NEUTRAL };
const NAMES = ["time", "open", "high", "low", "close", "volume", "long", "short", "seq"];
const MOST = 120_000;

export class Columns {
  constructor() {
    this.length = 0;
    this.room = 0;
    this.signal = new Uint8Array(0);
    this.late = new Uint8Array(0);
    this.held = new Uint8Array(0);
    for (const name of NAMES) this[name] = new Float64Array(0);
  }

  grow(count, ahead) {
    const room = this.length + count + (ahead ? 0 : 1024);
    for (const name of [...NAMES, "signal", "late", "held"]) {
      const fresh = new this[name].constructor(room);
      if (name === "long" || name === "short") fresh.fill(NaN);
      fresh.set(this[name].subarray(0, this.length), ahead ? count : 0);
      this[name] = fresh;
    }
    this.room = room;
    if (ahead) this.length += count;
  }

  // A run of older bars, and what was said of them.
  prepend({ bars, signals }) {
    const count = bars.time.length;
    if (!count || this.length + count > MOST) return 0;
    this.grow(count, true);
    for (const name of ["time", "open", "high", "low", "close", "volume"]) this[name].set(bars[name], 0);
    let at = 0;
    for (let each = 0; each < signals.time.length; each += 1) {
      while (at < count && this.time[at] < signals.time[each]) at += 1;
      if (at < count && this.time[at] === signals.time[each]) this.say(at, signals.signal[each], signals.long[each], signals.short[each], signals.seq[each], signals.late[each], signals.held[each]);
    }
    return count;
  }

  say(at, signal, long, short, seq, late, held) {
    this.signal[at] = KINDS[String(signal)] ?? NONE;
    this.long[at] = typeof long === "number" ? long : NaN;
    this.short[at] = typeof short === "number" ? short : NaN;
    this.seq[at] = seq;
    this.late[at] = late ? 1 : 0;
    this.held[at] = held ? 1 : 0;
  }

  // A bar of the stream: the next one, or a stored one that was revised.
  put(time, bar) {
    let at = this.find(time);
    if (this.time[at] !== time || !this.length) {
      if (this.length && time < this.time[this.length - 1]) return;
      if (this.length === this.room) this.grow(0, false);
      at = this.length;
      this.length += 1;
      this.time[at] = time;
    }
    for (const name of ["open", "high", "low", "close", "volume"]) this[name][at] = bar[name];
    if (this.length > MOST) this.forget(this.length - MOST + 10_000);
  }

  forget(count) {
    for (const name of [...NAMES, "signal", "late", "held"]) this[name].copyWithin(0, count, this.length);
    this.length -= count;
    this.signal.fill(NONE, this.length);
    this.long.fill(NaN, this.length);
    this.short.fill(NaN, this.length);
    this.seq.fill(0, this.length);
  }

  // The last bar that opened at this moment or before; 0 when there is none.
  find(time) {
    let low = 0, high = this.length;
    while (low < high) { const middle = (low + high) >> 1; if (this.time[middle] <= time) low = middle + 1; else high = middle; }
    return Math.max(low - 1, 0);
  }
}
