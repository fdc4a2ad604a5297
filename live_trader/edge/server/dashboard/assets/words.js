// Figures and moments as people read them; every moment is UTC.

const MINUS = "\u2212";
const two = (number) => String(number).padStart(2, "0");

export const number = (value, digits = 2) =>
  value === null || value === undefined || !Number.isFinite(+value) ? "\u2013"
    : (+value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", MINUS);

// A number of any size with some four figures that matter.
export const figure = (value) => value === 0 ? "0" : number(value, Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(Math.abs(value))))));

export const signed = (value, digits = 2) => (value > 0 ? "+" : "") + number(value, digits);

export const percent = (value, digits = 1) => value === null || value === undefined ? "\u2013" : `${number(100 * value, digits)}%`;

export function price(value) {
  if (value === null || value === undefined) return "\u2013";
  const size = Math.abs(value);
  return number(value, size >= 1000 ? 2 : size >= 20 ? 3 : 5);
}

export function clock(seconds, withDay = false) {
  const at = new Date(seconds * 1000);
  const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  const rest = at.getUTCSeconds() ? `:${two(at.getUTCSeconds())}` : "";
  return withDay ? `${day} ${time}${rest}` : time + rest;
}

export const seconds = (text) => Date.parse(text) / 1000;

export function lasting(length) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  for (const [name, size] of units) if (Math.abs(length) >= 2 * size) return `${Math.round(length / size)} ${name}`;
  return `${number(length, Math.abs(length) < 1 ? 3 : Math.abs(length) < 10 ? 1 : 0)} s`;
}

export const span = (name) => ({ S: 1, M: 60, H: 3600, D: 86400 })[name[0]] * Number(name.slice(1));

export const direction = (signal) => ({ "1": "long", "-1": "short", "0.5": "neutral" })[String(signal)] ?? "none";

export const told = { long: "\u25b2 long", short: "\u25bc short", neutral: "\u25cf no opinion", none: "no signal" };

// A strategy on its ticker, as the desk names the two: trader@AUDUSD@M1.
export const slot = (name) => name.replaceAll("@", " ");

export const path = (...parts) => "#/" + parts.map((each) => encodeURIComponent(each)).join("/");
