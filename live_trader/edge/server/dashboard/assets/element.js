// Making elements: text is always text, never markup, so nothing a server says can become code.

const SVG = "http://www.w3.org/2000/svg";

function dress(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return node;
}

export const h = (tag, properties, ...children) => dress(document.createElement(tag), properties, children);
export const s = (tag, properties, ...children) => dress(document.createElementNS(SVG, tag), properties, children);

export function table(heads, rows, properties = {}) {
  const head = h("tr", {}, heads.map((each) => h("th", { scope: "col" }, each)));
  const body = rows.map((cells) => cells instanceof Node ? cells : h("tr", {}, cells.map((each, at) =>
    at ? h("td", {}, each) : h("th", { scope: "row" }, each))));
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": properties.label ?? "table" },
    h("table", { class: properties.class }, h("thead", {}, head), h("tbody", {}, body)));
}

export function line(values, width = 120, height = 30) {
  const low = Math.min(...values), span = Math.max(...values) - low || 1, step = width / Math.max(values.length - 1, 1);
  const at = (value, place) => `${(place * step).toFixed(1)} ${(height - 2 - (value - low) / span * (height - 4)).toFixed(1)}`;
  return s("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    values.length > 1 && s("path", { d: `M${values.map(at).join("L")}` }));
}

export function ask(title, text, deed) {
  return new Promise((settle) => {
    const dialog = h("dialog", { "aria-labelledby": "asked" },
      h("form", { method: "dialog" }, h("h2", { id: "asked" }, title), h("p", {}, text),
        h("div", { class: "deeds" },
          h("button", { value: "no", autofocus: true }, "Cancel"),
          h("button", { value: "yes", class: "strong" }, deed))));
    dialog.addEventListener("close", () => { settle(dialog.returnValue === "yes"); dialog.remove(); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
