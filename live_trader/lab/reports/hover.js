for (const chart of document.querySelectorAll("svg[data-hover]")) {
  const points = JSON.parse(chart.dataset.hover), [, , width, height] = chart.getAttribute("viewBox").split(" ").map(Number);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line"), told = document.createElement("div");
  const heading = document.createElement("b"), text = document.createTextNode("");
  line.setAttribute("class", "hover"); line.setAttribute("y1", 12); line.setAttribute("y2", height - 26);
  told.className = "told"; told.append(heading, text);
  const leave = () => { line.remove(); told.remove(); };
  chart.addEventListener("pointerleave", leave);
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * width;
    let low = 0, high = points.length - 1;
    while (low < high) { const middle = (low + high) >> 1; if (points[middle][0] < x) low = middle + 1; else high = middle; }
    if (low > 0 && x - points[low - 1][0] < points[low][0] - x) low -= 1;
    const [at, when, what] = points[low];
    line.setAttribute("x1", at); line.setAttribute("x2", at); heading.textContent = when; text.data = what;
    chart.append(line); document.body.append(told);
    const beyond = event.clientX + 16 + told.offsetWidth > innerWidth;
    told.style.left = `${event.clientX + (beyond ? -16 - told.offsetWidth : 16)}px`; told.style.top = `${event.clientY + 14}px`;
  });
}
