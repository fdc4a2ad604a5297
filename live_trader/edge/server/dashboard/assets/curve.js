// A small line of values over time, perhaps beside another one, with the figure under the pointer.

import { h } from "./element.js";
import { clock, number } from "./words.js";

export function curve(points, height = 120, { digits = 2, beside = [], label = `a line of ${points.length} values` } = {}) {
  const canvas = h("canvas", { class: "curve", role: "img", "aria-label": label, style: { height: `${height}px` } });
  const told = h("span", { class: "told" }), all = [...points, ...beside];
  const low = all.reduce((least, [, value]) => Math.min(least, value), Infinity), high = all.reduce((most, [, value]) => Math.max(most, value), -Infinity);
  const span = high - low || 1, from = Math.min(points[0]?.[0], beside[0]?.[0] ?? Infinity), to = Math.max(points.at(-1)?.[0], beside.at(-1)?.[0] ?? -Infinity);
  // Two lines share one clock; a single one takes each value as a step, so that nights and weekends take no room.
  const along = beside.length ? ([time]) => (time - from) / (to - from || 1) : (_, place) => place / Math.max(points.length - 1, 1);

  function draw(at = -1) {
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth;
    if (!width) return;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d"), colour = getComputedStyle(canvas);
    const x = (point, place) => along(point, place) * (width - 2) + 1, y = (value) => height - 4 - (value - low) / span * (height - 8);
    const line = (some) => { pen.beginPath(); some.forEach((point, place) => pen.lineTo(x(point, place), y(point[1]))); };
    pen.scale(ratio, ratio);
    pen.lineJoin = "round";
    line(points);
    pen.strokeStyle = colour.getPropertyValue("--accent");
    pen.lineWidth = beside.length ? 3.4 : 1.8;
    pen.stroke();
    pen.lineTo(x(points.at(-1), points.length - 1), height);
    pen.lineTo(x(points[0], 0), height);
    pen.fillStyle = colour.getPropertyValue("--wash");
    pen.fill();
    if (beside.length) {
      line(beside);
      pen.strokeStyle = colour.getPropertyValue("--ink");
      pen.lineWidth = 1.3;
      pen.setLineDash([5, 4]);
      pen.stroke();
      pen.setLineDash([]);
    }
    if (at < 0) { told.textContent = ""; return; }
    pen.beginPath();
    pen.arc(x(points[at], at), y(points[at][1]), 3.5, 0, 7);
    pen.fillStyle = colour.getPropertyValue("--ink");
    pen.fill();
    const [time, value] = points[at], other = beside.findLast(([when]) => when <= time);
    told.textContent = `${clock(Math.floor(time), true)}: ${number(value, digits)}${other ? `, back-test ${number(other[1], digits)}` : ""}`;
  }

  function nearest(share) {
    let best = 0;
    points.forEach((point, place) => { if (Math.abs(along(point, place) - share) < Math.abs(along(points[best], best) - share)) best = place; });
    return best;
  }

  canvas.addEventListener("pointermove", (event) => draw(nearest(event.offsetX / canvas.clientWidth)));
  canvas.addEventListener("pointerleave", () => draw());
  canvas.addEventListener("placed", () => draw());
  new ResizeObserver(() => draw()).observe(canvas);
  return h("div", { class: "curved" }, canvas, told);
}
