// Plots, as elements and SVG. Each bar is a link to the rows that it counts.

const SVG = "http://www.w3.org/2000/svg";
const LINE_COLOURS = 8;

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  append(element, children);
  return element;
}

// Return lines with a label, a bar and a number. An entry is {label, value, href, title, kind}.
function barList(entries, labelOf) {
  const most = Math.max(1, ...entries.map((entry) => entry.value));
  return el("ul", { class: "bars" }, entries.map((entry) => el("li", {}, el(entry.href ? "a" : "div",
    { class: "bar-line", href: entry.href, title: entry.title },
    el("span", { class: "bar-label" }, entry.label),
    el("span", { class: "bar-track", "aria-hidden": "true" },
      el("span", { class: `bar ${entry.kind || ""}`, style: { width: `${(100 * entry.value) / most}%` } })),
    el("span", { class: "number" }, labelOf ? labelOf(entry) : count(entry.value))))));
}

// Return a histogram of shares: `bars[i]` rows (or other things) have a share of at least i / (bars.length - 1).
function histogram(title, bars, href, noun = "row") {
  const most = Math.max(1, ...bars), width = 320, height = 96, step = width / bars.length;
  const total = bars.reduce((sum, bar) => sum + bar, 0);
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height + 18}`, class: "histogram", role: "group", "aria-label": title });
  bars.forEach((rows, i) => {
    const low = Math.round((100 * i) / (bars.length - 1));
    const high = i === bars.length - 1 ? 100 : Math.round((100 * (i + 1)) / (bars.length - 1)) - 1;
    const size = rows ? Math.max(2, (height * rows) / most) : 0;
    const text = `${low === high ? low : `${low} to ${high}`} %: ${counted(rows, noun)}`;
    const bar = svg("rect", { x: i * step + 1, y: height - size, width: step - 2, height: size, rx: 1.5, class: "bar-shape" });
    if (!rows) return;
    const link = svg("a", { href: href(low, high), "aria-label": `${title}, ${text}` }, svg("title", {}, text), bar);
    plot.append(link);
  });
  plot.append(svg("line", { x1: 0, x2: width, y1: height, y2: height, class: "axis" }),
    svg("text", { x: 1, y: height + 14 }, "0 %"), svg("text", { x: width - 1, y: height + 14, "text-anchor": "end" }, "100 %"));
  return el("figure", {}, el("figcaption", {}, el("strong", {}, title), ` ${counted(total, noun)}`), plot);
}

// Return a plot of lines. A line is {name, points: [[x, y]]}; y is a share from 0 to 1, x counts from 1.
function linePlot(label, lines, xLabel) {
  const width = 640, height = 220, left = 44, bottom = 34, right = 12, top = 10;
  const last = Math.max(2, ...lines.flatMap((line) => line.points.map(([x]) => x)));
  const most = Math.max(0.01, ...lines.flatMap((line) => line.points.map(([, y]) => y)));
  const ceiling = Math.min(1, Math.ceil(most * 10) / 10);
  const px = (x) => left + ((width - left - right) * (x - 1)) / (last - 1);
  const py = (y) => top + (height - top - bottom) * (1 - y / ceiling);
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "line-plot", role: "img", "aria-label": label });
  for (let i = 0; i <= 4; i++) {
    const y = (ceiling * i) / 4;
    plot.append(svg("line", { x1: left, x2: width - right, y1: py(y), y2: py(y), class: i ? "grid" : "axis" }),
      svg("text", { x: left - 6, y: py(y) + 4, "text-anchor": "end" }, `${Math.round(100 * y)} %`));
  }
  for (const x of [...new Set([1, Math.round((1 + last) / 2), last])]) {
    plot.append(svg("text", { x: px(x), y: height - bottom + 16, "text-anchor": "middle" }, String(x)));
  }
  plot.append(svg("text", { x: (left + width) / 2, y: height - 2, "text-anchor": "middle" }, xLabel));
  lines.forEach((line, i) => {
    const points = line.points.map(([x, y]) => `${px(x)},${py(y)}`).join(" ");
    plot.append(svg("polyline", { points, class: `line c${i % LINE_COLOURS}` }, svg("title", {}, line.name)));
    for (const [x, y] of line.points.length < 40 ? line.points : []) {
      plot.append(svg("circle", { cx: px(x), cy: py(y), r: 3, class: `dot c${i % LINE_COLOURS}` },
        svg("title", {}, `${line.name}: ${(100 * y).toFixed(1)} % within ${x}`)));
    }
  });
  const legend = el("ul", { class: "legend" }, lines.map((line, i) => el("li", {},
    el("span", { class: `swatch c${i % LINE_COLOURS}`, "aria-hidden": "true" }), line.name,
    el("span", { class: "soft" }, ` ${(100 * line.points.at(-1)[1]).toFixed(1)} %`))));
  return plotFigure(plot, legend);
}

// Return stacked columns: the replies of each call in equal parts of the time.
function timePlot(times) {
  const names = Object.keys(times.counts), parts = times.counts[names[0]].length;
  const totals = Array.from({ length: parts }, (_, i) => sum(names.map((name) => times.counts[name][i])));
  const width = 640, height = 140, step = width / parts, most = Math.max(1, ...totals);
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height + 18}`, class: "line-plot", role: "img", "aria-label": "Replies over time" });
  for (let i = 0; i < parts; i++) {
    let top = height;
    names.forEach((name, n) => {
      const size = (height * times.counts[name][i]) / most;
      top -= size;
      if (size) plot.append(svg("rect", { x: i * step + .5, y: top, width: step - 1, height: size, class: `column c${n % LINE_COLOURS}` },
        svg("title", {}, `${name}: ${counted(times.counts[name][i], "reply", "replies")} after ${duration((times.seconds * i) / parts)}`)));
    });
  }
  plot.append(svg("line", { x1: 0, x2: width, y1: height, y2: height, class: "axis" }),
    svg("text", { x: 0, y: height + 14 }, "first reply"), svg("text", { x: width, y: height + 14, "text-anchor": "end" }, duration(times.seconds)));
  const legend = el("ul", { class: "legend" }, names.map((name, n) => el("li", {},
    el("span", { class: `swatch c${n % LINE_COLOURS}`, "aria-hidden": "true" }), name, el("span", { class: "soft" }, ` ${count(sum(times.counts[name]))}`))));
  return plotFigure(plot, legend, el("p", { class: "note" }, `At most ${counted(most, "reply", "replies")} in ${duration(times.seconds / parts)}.`));
}

const UNBROKEN_CHARACTERS = 24; // of a cell of a table that stays on one line

// Return a figure that scrolls on a narrow screen, where its texts would be too small.
function plotFigure(plot, ...more) {
  return el("figure", {}, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": plot.getAttribute("aria-label") }, plot), more);
}

function table(headings, rows, caption, shown) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: shown ? "" : "visually-hidden" }, caption),
      el("thead", {}, el("tr", {}, headings.map((heading) => el("th", { scope: "col" }, heading)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(tableCell))))));
}

function tableCell(content) {
  const cell = el("td", { class: typeof content === "number" ? "number" : "" }, typeof content === "number" ? count(content) : content);
  if (cell.textContent.length <= UNBROKEN_CHARACTERS) cell.classList.add("unbroken");
  return cell;
}

// Return lines with a label, an interval around a dot, and a text. An entry is {label, mean, low, high, text}.
function intervalPlot(title, entries, { low = 0, high = 1, zero = false } = {}) {
  const width = 640, row = 26, left = 190, right = 16, top = 6, bottom = 24, height = top + row * entries.length + bottom;
  const px = (value) => left + ((width - left - right) * (Math.min(high, Math.max(low, value)) - low)) / (high - low);
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "line-plot interval-plot", role: "img", "aria-label": title });
  for (let i = 0; i <= 4; i++) {
    const value = low + ((high - low) * i) / 4;
    plot.append(svg("line", { x1: px(value), x2: px(value), y1: top, y2: height - bottom, class: "grid" }),
      svg("text", { x: px(value), y: height - 6, "text-anchor": "middle" }, `${Math.round(100 * value)} %`));
  }
  if (zero) plot.append(svg("line", { x1: px(0), x2: px(0), y1: top, y2: height - bottom, class: "axis zero" }));
  entries.forEach((entry, i) => {
    const y = top + row * (i + .5);
    plot.append(svg("g", {}, svg("title", {}, `${entry.label}: ${entry.text}`),
      svg("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, shortened(entry.label, 30)),
      svg("line", { x1: px(entry.low), x2: px(entry.high), y1: y, y2: y, class: `interval c${(entry.colour || 0) % LINE_COLOURS}` }),
      svg("circle", { cx: px(entry.mean), cy: y, r: 4.5, class: `dot c${(entry.colour || 0) % LINE_COLOURS}` })));
  });
  return plotFigure(plot);
}

// Return a plot of values over steps. A line is {name, points: [[x, y]], dots}; a mark is {x, text}.
function valuePlot(label, lines, marks) {
  const width = 640, height = 260, left = 56, bottom = 34, right = 14, top = 12;
  const all = lines.flatMap((line) => line.points);
  const xs = all.map(([x]) => x), ys = all.map(([, y]) => y);
  const first = Math.min(...xs), last = Math.max(first + 1, ...xs), least = Math.min(...ys), most = Math.max(...ys);
  const margin = (most - least || Math.abs(most) || 1) * .08, low = Math.max(least >= 0 ? 0 : -Infinity, least - margin), high = most + margin;
  const px = (x) => left + ((width - left - right) * (x - first)) / (last - first);
  const py = (y) => top + (height - top - bottom) * (1 - (y - low) / (high - low));
  const plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "line-plot", role: "img", "aria-label": label });
  for (let i = 0; i <= 4; i++) {
    const y = low + ((high - low) * i) / 4;
    plot.append(svg("line", { x1: left, x2: width - right, y1: py(y), y2: py(y), class: i ? "grid" : "axis" }),
      svg("text", { x: left - 6, y: py(y) + 4, "text-anchor": "end" }, y.toPrecision(3)));
  }
  for (const x of [...new Set([first, Math.round((first + last) / 2), last])]) {
    plot.append(svg("text", { x: px(x), y: height - bottom + 16, "text-anchor": "middle" }, count(x)));
  }
  plot.append(svg("text", { x: (left + width) / 2, y: height - 2, "text-anchor": "middle" }, "step"));
  for (const { x, text } of marks) {
    plot.append(svg("g", {}, svg("title", {}, text), svg("line", { x1: px(x), x2: px(x), y1: top, y2: height - bottom, class: "axis mark" }),
      svg("text", { x: px(x), y: top + 8, "text-anchor": px(x) > width / 2 ? "end" : "start", dx: px(x) > width / 2 ? -5 : 5 }, text)));
  }
  lines.forEach((line, i) => {
    plot.append(svg("polyline", { points: line.points.map(([x, y]) => `${px(x)},${py(y)}`).join(" "), class: `line c${i % LINE_COLOURS}` }, svg("title", {}, line.name)));
    for (const [x, y] of line.points.length < 60 ? line.points : []) {
      plot.append(svg("circle", { cx: px(x), cy: py(y), r: 3, class: `dot c${i % LINE_COLOURS}` }, svg("title", {}, `${line.name}: ${y.toFixed(4)} at step ${count(x)}`)));
    }
  });
  const legend = el("ul", { class: "legend" }, lines.map((line, i) => el("li", {}, el("span", { class: `swatch c${i % LINE_COLOURS}`, "aria-hidden": "true" }),
    line.name, el("span", { class: "soft" }, ` ${line.points.at(-1)[1].toFixed(4)}`))));
  return plotFigure(plot, legend);
}
