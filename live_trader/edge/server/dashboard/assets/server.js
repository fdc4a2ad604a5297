// The one way to the server: questions, wishes and the stream, all with the session's cookie.

import { seconds } from "./words.js";

export class Problem extends Error {
  constructor(status, code, text) {
    super(text[0].toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : "."));
    Object.assign(this, { status, code });
  }
}

let notForged = "";
let skew = 0;

export const now = () => Date.now() / 1000 + skew;
export const clockIsOff = () => Math.abs(skew) > 60 ? skew : 0;

async function asked(method, name, query, body) {
  const target = `/dashboard/${name}${query ? `?${new URLSearchParams(query)}` : ""}`;
  const headers = body === undefined ? {} : { "content-type": "application/json", "x-not-forged": notForged };
  let answer;
  try {
    answer = await fetch(target, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Problem(0, "unreachable", "The server cannot be reached. Is the farm running?");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, said.code ?? "failed", said.detail ?? `The server answered ${answer.status}.`);
  return said;
}

export const get = (name, query) => asked("GET", name, query);
export const post = (name, body) => asked("POST", name, null, body);

function known(me) {
  notForged = me.not_forged;
  skew = seconds(me.now) - Date.now() / 1000;
  return me;
}

export const me = async () => known(await get("me"));
export const enter = async (key) => known(await post("login", { key }));

// Reads the stream by hand: unlike EventSource it hears the comments by which a quiet server says that it is there.
export class Stream {
  constructor(after, onEvent, onState) {
    Object.assign(this, { after, onEvent, onState, pause: 500, closed: false });
    this.run();
  }

  async run() {
    while (!this.closed) {
      const began = Date.now();
      try { await this.listen(); } catch (fault) { if (fault.status === 401) { this.onState("out"); return; } }
      if (this.closed) return;
      this.onState("lost");
      if (Date.now() - began > 10_000) this.pause = 500;
      await new Promise((settle) => { setTimeout(settle, this.pause); });
      this.pause = Math.min(this.pause * 2, 8000);
    }
  }

  async listen() {
    this.control = new AbortController();
    let silence;
    const heard = () => { clearTimeout(silence); silence = setTimeout(() => this.control.abort(), 40_000); };
    heard();
    try {
      const answer = await fetch(`/dashboard/stream?after=${this.after}`, { signal: this.control.signal, cache: "no-store" });
      if (!answer.ok) throw new Problem(answer.status, "stream", "no stream");
      this.pause = 500;
      this.onState("live");
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = "", part = await reader.read(); !part.done; part = await reader.read()) {
        heard();
        const blocks = (rest + part.value).split("\n\n");
        rest = blocks.pop();
        this.take(blocks);
      }
    } finally { clearTimeout(silence); }
  }

  take(blocks) {
    const events = [];
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((each) => [each.slice(0, each.indexOf(":")), each.slice(each.indexOf(":") + 1).trim()]));
      if (fields.id) this.after = Number(fields.id);
      if (fields.data) events.push({ kind: fields.event, data: JSON.parse(fields.data) });
    }
    if (events.length) this.onEvent(events);
  }

  close() { this.closed = true; this.control?.abort(); }
}
