// Draws 100,000 bars with their signals, and then lets 30,000 more come: how long, how many cells, how much is kept.
const { Columns } = await import("/dashboard/columns.js");
const { Chart } = await import("/dashboard/chart.js");
const count = 100_000, columns = new Columns();
const time = Array.from({ length: count }, (_, at) => at * 60), open = time.map((_, at) => 100 + Math.sin(at / 300));
const bars = { time, open, high: open.map((each) => each + 1), low: open.map((each) => each - 1), close: open, volume: open };
const seq = time.map((_, at) => at + 1), long = time.map((_, at) => (at % 100) / 100), late = time.map(() => 0);
columns.prepend({ bars, signals: { time, seq, late, held: late, long, short: long, signal: time.map((_, at) => [1, -1, 0.5][at % 3]) } });
const chart = new Chart(columns, { long: 0.5, short: 0.5 }, () => {}, () => {}, () => {});
document.body.replaceChildren(chart.node);
chart.count = count;
chart.first = 0;
const times = [];
for (let turn = 0; turn < 15; turn += 1) {
  const began = performance.now();
  chart.paint();
  times.push(performance.now() - began);
}
const cells = chart.drawn.length, bar = { open: 100, high: 100, low: 100, close: 100, volume: 100 };
for (let at = 0; at < 30_000; at += 1) columns.put((count + at) * 60, bar);
chart.close();
return { cells, middle: times.sort((one, other) => one - other)[7], length: columns.length, width: chart.width };
