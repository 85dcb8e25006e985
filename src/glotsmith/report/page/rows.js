// The list of rows: search, facets, order, and the details of the chosen row.

const FACETS = {
  run: [
    ["status", "Outcome"], ["language", "Language"], ["step", "Step"], ["reason", "Drop reason"],
    ["verdict", "Verdict"], ["kind", "Kind"], ["licence", "Licence"], ["source", "Source"], ["stop", "Sampling stopped"],
  ],
  evaluation: [["status", "Outcome"], ["language", "Language"], ["step", "Benchmark"], ["verdict", "Verdict"], ["source", "Problem"]],
};
const RANGES = { lines: "line coverage", branches: "branch coverage", mutants: "mutation score", passed: "pass rate" };
const ORDERS = {
  run: { position: "order of the sources", weakest: "weakest evidence first", passed: "lowest pass rate first", longest: "longest program first", name: "name" },
  evaluation: { position: "order of the questions", passed: "hardest problems first", longest: "longest program first", name: "name" },
};
const NOUNS = { run: "row", evaluation: "sample" };
// The colour of an outcome.
const OUTCOME_CLASSES = { pass: "kept", fail: "lost", "no verdict": "waiting" };
const SHOWN_VALUES = 8;
const ROW_HEIGHT = 58;

// Return which rows match the filters, in order, and for each facet the number of rows by value.
function filterRows(run, filters) {
  const facets = FACETS[run.type];
  const wanted = facets.map(([name]) => {
    const values = filters.get(name);
    return values && values.length ? new Set(values.map((value) => run.texts[name].indexOf(value))) : null;
  });
  const columns = facets.map(([name]) => run[name]);
  const counts = facets.map(([name]) => new Uint32Array(run.texts[name].length));
  const ranges = Object.keys(RANGES).filter((name) => filters.has(name)).map((name) => {
    const [low, high] = filters.get(name)[0].split("-").map(Number);
    return [run[name], low, high];
  });
  const words = (filters.get("q") || [""])[0].toLowerCase().split(/\s+/).filter(Boolean);
  const haystack = words.length ? run.haystack : null;
  const items = new Uint32Array(run.rows);
  let size = 0;
  rows: for (let row = 0; row < run.rows; row++) {
    for (const [column, low, high] of ranges) if (column[row] < low || column[row] > high) continue rows;
    for (const word of words) if (!haystack[row].includes(word)) continue rows;
    let failed = -1;
    for (let f = 0; f < wanted.length; f++) {
      if (!wanted[f] || wanted[f].has(columns[f][row])) continue;
      if (failed >= 0) continue rows;
      failed = f;
    }
    if (failed >= 0) { counts[failed][columns[failed][row]]++; continue; }
    items[size++] = row;
    for (let f = 0; f < counts.length; f++) counts[f][columns[f][row]]++;
  }
  return { items: items.subarray(0, size), counts };
}

function sortRows(run, items, order) {
  const keys = new Float64Array(run.rows);
  const keyOf = {
    weakest: (i) => (run.status[i] !== kept || run.mutants[i] < 0 ? 1e12 : 0) + run.mutants[i] * 1e8 +
      run.branches[i] * 1e5 + run.lines[i] * 1e2 + Math.min(99, run.tests[i]),
    passed: (i) => (run.passed[i] < 0 ? 1e6 : run.passed[i]),
    longest: (i) => -run.characters[i],
  }[order];
  const kept = run.texts.status.indexOf("kept");
  if (order === "name") return items.slice().sort((a, b) => run.name[a].localeCompare(run.name[b]) || a - b);
  if (!keyOf) return items;
  for (const i of items) keys[i] = keyOf(i);
  return items.slice().sort((a, b) => keys[a] - keys[b] || a - b);
}

class RowsView {
  constructor(run) {
    this.run = run;
    this.list = new VirtualList("Rows", ROW_HEIGHT, (row) => this.rowElement(row), (row) => this.choose(row));
    this.search = el("input", { type: "search", id: "search", placeholder: run.type === "run" ? "Search names, messages, keys, sources" : "Search problems and messages",
      "aria-label": `Search the ${NOUNS[run.type]}s`, spellcheck: "false", oninput: () => this.onSearch() });
    this.order = el("select", { "aria-label": "Order", onchange: () => this.set("sort", [this.order.value]) },
      Object.entries(ORDERS[run.type]).map(([value, label]) => el("option", { value }, label)));
    this.total = el("p", { class: "total" });
    this.chips = el("div", { class: "chips" });
    this.facets = el("div", { class: "facets" });
    this.detail = el("section", { class: "detail", "aria-label": "Row", tabindex: "-1" });
    const panel = el("details", { class: "facet-panel", open: matchMedia("(min-width: 60rem)").matches },
      el("summary", {}, "Filters"), this.facets);
    this.element = el("div", { class: "rows-view" }, panel,
      el("div", { class: "list-panel" }, el("div", { class: "list-tools" }, this.search, this.order), this.chips,
        this.total, this.list.element), this.detail);
    this.filters = new Map();
    this.unfolded = new Set();
  }

  // Apply the filters of an address, and show the row that it names; return a promise of its details.
  apply(parameters) {
    const filters = new Map();
    for (const name of new Set(parameters.keys())) filters.set(name, parameters.getAll(name));
    const row = filters.get("row");
    filters.delete("row");
    const changed = JSON.stringify([...filters]) !== JSON.stringify([...this.filters]) || !this.applied;
    this.filters = filters;
    if (changed) this.refresh();
    if (row) {
      const slash = row[0].indexOf("/");
      return this.showRow(this.run.find(row[0].slice(0, slash), row[0].slice(slash + 1)));
    }
    this.list.chosen = -1;
    this.closeDetail();
    return Promise.resolve();
  }

  refresh() {
    const order = (this.filters.get("sort") || ["position"])[0];
    const { items, counts } = filterRows(this.run, this.filters);
    this.applied = true;
    this.items = sortRows(this.run, items, order);
    this.order.value = order in ORDERS[this.run.type] ? order : "position";
    const query = (this.filters.get("q") || [""])[0];
    if (document.activeElement !== this.search) this.search.value = query;
    this.list.chosen = -1;
    this.list.element.scrollTop = 0;
    this.list.show(this.items);
    this.total.replaceChildren(...this.totalText(items.length));
    if (this.chips.contains(document.activeElement)) this.search.focus();
    this.chips.replaceChildren(...this.chipElements());
    this.showFacets(counts);
    announce(counted(items.length, NOUNS[this.run.type]));
  }

  // Replace the facets; the checkbox that had the focus has it again.
  showFacets(counts) {
    const { facet, more } = this.facets.contains(document.activeElement) ? document.activeElement.dataset : {};
    const value = more === undefined ? document.activeElement.value : more;
    const held = el("p", { class: "note" }, `Numbers of ${NOUNS[this.run.type]}s in this file`);
    this.facets.replaceChildren(held, ...FACETS[this.run.type].map(([name, title], f) => this.facet(name, title, counts[f])));
    if (facet) this.focusFacet(facet, value);
  }

  focusFacet(facet, value) {
    const inputs = [...this.facets.querySelectorAll("input")];
    const input = inputs.find((one) => one.dataset.facet === facet && one.value === value);
    if (input) input.focus();
  }

  // Say how many rows match; if the ledger has more than the report lists, say how many.
  totalText(size) {
    const all = this.run.summary.languages.filter((group) => this.isListedGroup(group));
    const inLedger = all.reduce((sum, group) => sum + group.rows, 0);
    const names = [...this.filters.keys()].filter((name) => name !== "sort");
    const known = names.every((name) => ["status", "language", "step", "reason"].includes(name));
    if (this.run.type !== "run" || !known || inLedger <= size) return [el("strong", {}, count(size)), ` ${NOUNS[this.run.type]}${size === 1 ? "" : "s"}`];
    return [el("strong", {}, count(size)), ` of ${count(inLedger)} rows are in this file; `,
      el("code", {}, "glotsmith report --all"), " lists all"];
  }

  isListedGroup(group) {
    const has = (name, value) => !this.filters.has(name) || this.filters.get(name).includes(value);
    if (this.run.type !== "run") return false;
    const listed = group.status !== "kept" || group.step === this.run.summary.funnel.at(-1).step;
    return listed && has("status", group.status) && has("language", group.language) && has("step", group.step) &&
      has("reason", group.reason);
  }

  chipElements() {
    return [...this.filters].filter(([name]) => name !== "sort").flatMap(([name, values]) => values.map((value) =>
      el("button", { class: "chip", title: "Remove this filter",
        onclick: () => this.set(name, values.filter((one) => one !== value)) },
      el("span", { class: "soft" }, `${chipName(this.run, name)} `), value || "none", el("span", { "aria-hidden": "true" }, " ×"))));
  }

  facet(name, title, counts) {
    const texts = this.run.texts[name], chosen = this.filters.get(name) || [];
    const values = texts.map((text, i) => [text, counts[i]])
      .filter(([text, rows]) => (rows && (text || name === "licence")) || chosen.includes(text)).sort((a, b) => b[1] - a[1]);
    if (values.length < 2 && !chosen.length) return "";
    const shown = this.unfolded.has(name) ? values : values.filter(([text], i) => i < SHOWN_VALUES || chosen.includes(text));
    const more = values.length - shown.length;
    return el("fieldset", {}, el("legend", {}, title), shown.map(([text, rows]) => {
      const input = el("input", { type: "checkbox", "data-facet": name, value: text, onchange: () => {
        this.set(name, input.checked ? [...chosen, text] : chosen.filter((one) => one !== text));
      } });
      input.checked = chosen.includes(text);
      return el("label", { class: "facet-value", title: becauseOf(this.run, name, text) }, input,
        el("span", { class: "facet-text" }, facetText(name, text)), el("span", { class: "number soft" }, count(rows)));
    }), more > 0 && el("button", { class: "quiet", "data-facet": name, "data-more": values.find((one) => !shown.includes(one))[0],
      onclick: () => { this.unfolded.add(name); this.refresh(); } }, `${more} more`));
  }

  set(name, values) {
    const filters = new Map(this.filters);
    if (values.length && values[0] !== undefined && !(name === "q" && !values[0])) filters.set(name, values);
    else filters.delete(name);
    go(rowsAddress(this.run, Object.fromEntries(filters)));
  }

  onSearch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.set("q", [this.search.value.trim()]), 120);
  }

  rowElement(row) {
    const run = this.run, status = run.text("status", row), reason = run.text("reason", row);
    const facts = status === "kept" ? evidenceText(run, row) : run.type === "evaluation" ? problemText(run, row) : reason;
    const colour = OUTCOME_CLASSES[status] || status;
    return el("div", { class: "row" }, el("span", { class: `dot ${colour}`, "aria-hidden": "true" }),
      el("div", { class: "row-text" },
        el("div", { class: "row-name" }, el("bdi", {}, run.name[row]), el("span", { class: "tag" }, run.text("language", row) || run.text("step", row))),
        el("div", { class: "row-more" }, el("span", { class: `outcome ${colour}` }, run.type === "evaluation" ? run.text("verdict", row) : status), ` ${facts}`,
          status !== "kept" && run.because[row] ? ` · ${run.because[row].slice(0, 120)}` : "")));
  }

  choose(row) {
    history.replaceState(null, "", rowAddress(this.run, row, Object.fromEntries(this.filters)));
    this.open(row);
  }

  showRow(row) {
    if (row < 0) {
      this.detail.replaceChildren(el("p", { class: "empty" }, "This row is not in this file."));
      this.element.classList.add("has-row");
      return Promise.resolve();
    }
    let place = this.items.indexOf(row);
    if (place < 0) { // the filters of the address exclude the row
      this.filters = new Map();
      this.refresh();
      place = this.items.indexOf(row);
    }
    this.list.choose(place, true);
    return this.open(row);
  }

  move(distance) {
    if (!this.items.length) return;
    this.list.choose(this.list.chosen < 0 ? (distance > 0 ? 0 : this.items.length - 1) : this.list.chosen + distance);
  }

  async open(row) {
    this.opened = row;
    this.element.classList.add("has-row");
    const content = await (this.run.type === "evaluation" ? sampleElement : detailElement)(this.run, row);
    if (this.opened !== row) return; // another row was chosen meanwhile
    this.detail.replaceChildren(content);
    this.detail.scrollTop = 0;
    announce(`${this.run.name[row]}, ${this.run.text("status", row)}`);
  }

  close() {
    go(rowsAddress(this.run, Object.fromEntries(this.filters)));
    this.list.element.focus();
  }

  closeDetail() {
    this.opened = -1;
    this.element.classList.remove("has-row");
    this.detail.replaceChildren(el("p", { class: "empty" }, "Choose a row, or press ", el("kbd", {}, "j"), "."));
  }
}

function chipName(run, name) {
  const facet = FACETS[run.type].find(([one]) => one === name);
  return name === "q" ? "search" : facet ? facet[1].toLowerCase() : RANGES[name] ? `${RANGES[name]} %` : name;
}

// Return the text of a value, which may break after its separators.
function facetText(name, text) {
  return text ? text.split(/(?<=[_/:])/).flatMap((part) => [part, el("wbr", {})]) : "not stated";
}

function becauseOf(run, facet, text) {
  if (facet === "stop" && run.summary.stop_because[text]) return `Sampling stopped because ${run.summary.stop_because[text]}`;
  return facet === "reason" && run.summary.because[text] ? `Dropped because ${run.summary.because[text]}` : text;
}

function evidenceText(run, row) {
  if (!run.tests[row]) return "no tests";
  const tests = counted(run.tests[row], "test");
  return run.mutants[row] < 0 ? tests : `${tests} · mutation score ${run.mutants[row]} % · coverage ${run.lines[row]} %`;
}
