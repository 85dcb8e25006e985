// Start: read the summaries and the index, then show what the address names.

const app = { runs: [], comparisons: [], highlighting: {}, views: new Map(), view: null };

// #/r0/rows?step=filter&row=filter/KEY
function address(run, view, parameters) {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(parameters)) for (const value of [values].flat()) query.append(name, value);
  const text = query.toString();
  return `#/r${run.number}/${view}${text ? `?${text}` : ""}`;
}

function rowsAddress(run, filters) {
  return address(run, "rows", filters);
}

function rowAddress(run, row, filters) {
  return address(run, "rows", { ...filters, row: `${run.text("step", row)}/${run.key[row]}` });
}

// Show an address at once: a key that follows a click finds the new view.
function go(target) {
  if (location.hash !== target) history.pushState(null, "", target);
  show();
}

function onClick(event) {
  const link = event.target.closest('a[href^="#/"]');
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
}

function announce(text) {
  document.getElementById("announcer").textContent = plain(text);
}

function route() {
  const found = location.hash.match(/^#\/(?:r(\d+)\/)?(overview|rows|compare)(?:\?(.*))?$/);
  const many = app.runs.length > 1;
  if (!found) return { run: app.runs[0], name: many ? "compare" : "overview", parameters: new URLSearchParams() };
  return { run: app.runs[Number(found[1] || 0)] || app.runs[0], name: found[2], parameters: new URLSearchParams(found[3] || "") };
}

// Return the element of a view without a list of rows.
function viewElement(run, name) {
  if (name === "compare") return comparisons(app.runs);
  return { run: overview, evaluation: evaluationOverview, training: trainingOverview }[run.type](run);
}

// Show what the address names; return a promise of the details of its row.
function show() {
  const found = route(), { run, parameters } = found;
  const name = found.name === "rows" && run.type === "training" ? "overview" : found.name; // a training has no rows
  const main = document.getElementById("main");
  const id = name === "compare" ? name : `${name}${run.number}`;
  if (!app.views.has(id)) {
    app.views.set(id, name === "rows" ? new RowsView(run) : { element: viewElement(run, name) });
  }
  app.view = app.views.get(id);
  if (main.firstChild !== app.view.element) {
    main.replaceChildren(app.view.element);
    window.scrollTo(0, 0);
  }
  document.body.dataset.view = name;
  const shown = name === "rows" ? app.view.apply(parameters) : Promise.resolve();
  showHeader(run, name);
  return shown;
}

function showHeader(run, name) {
  const tabs = [["overview", "Overview"], ...(run.type === "training" ? [] : [["rows", run.type === "run" ? "Rows" : "Samples"]]), ...(app.runs.length > 1 ? [["compare", "Compare"]] : [])];
  document.getElementById("tabs").replaceChildren(...tabs.map(([view, title]) => el("a", { href: address(run, view, {}),
    "aria-current": view === name ? "page" : undefined }, title)));
  document.getElementById("run-name").textContent = name === "compare" ? "" : plain(run.summary.name);
  document.title = `${plain(run.summary.name)} – glotsmith report`;
  const choice = document.getElementById("run-choice");
  choice.parentElement.hidden = app.runs.length < 2 || name === "compare";
  choice.replaceChildren(...app.runs.map((one) => el("option", { value: one.number, selected: one === run }, one.summary.name)));
  choice.onchange = () => go(address(app.runs[Number(choice.value)], name, {}));
}

const THEMES = ["auto", "light", "dark"];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").replaceChildren(el("span", { class: "wide" }, "Theme: "), theme);
  try { localStorage.setItem("glotsmith-theme", theme); } catch { /* a browser may refuse storage to files */ }
}

function nextTheme() {
  setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]);
}

function storedTheme() {
  try { return localStorage.getItem("glotsmith-theme"); } catch { return null; }
}

function onKey(event) {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || document.getElementById("help").open) return;
  const { run, name } = route();
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else if (name === "rows" && app.view.opened >= 0) app.view.close();
    return;
  }
  if (typing && !(event.target.type === "checkbox")) return;
  const rowsView = () => {
    if (name !== "rows") go(rowsAddress(run, {}));
    return app.view;
  };
  const hasRows = run.type !== "training";
  const actions = {
    j: () => hasRows && rowsView().move(1),
    k: () => hasRows && rowsView().move(-1),
    "/": () => hasRows && rowsView().search.focus(),
    "?": () => document.getElementById("help").showModal(),
    o: () => go(address(run, "overview", {})),
    r: () => hasRows && go(rowsAddress(run, {})),
    c: () => app.runs.length > 1 && go(address(run, "compare", {})),
    t: nextTheme,
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}

async function loadRuns() {
  const summary = await readBlock("summary");
  const runs = summary.runs.map((one, i) => new Run(i, one));
  await Promise.all(runs.map((run) => run.load()));
  Object.assign(app, { highlighting: summary.highlighting, comparisons: summary.comparisons, runs });
}

async function start() {
  setTheme(THEMES.includes(storedTheme()) ? storedTheme() : "auto");
  await loadRuns();
  addEventListener("hashchange", show);
  addEventListener("click", onClick);
  addEventListener("keydown", onKey);
  document.getElementById("theme").addEventListener("click", nextTheme);
  document.getElementById("help-button").addEventListener("click", () => document.getElementById("help").showModal());
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); document.getElementById("main").focus(); });
  show();
  document.body.dataset.ready = "true";
  const prepare = () => app.runs.forEach((run) => run.haystack); // before the first search
  if (window.requestIdleCallback) requestIdleCallback(prepare); else setTimeout(prepare, 1000);
}

start().catch((error) => {
  document.getElementById("main").replaceChildren(el("p", { class: "loading", role: "alert" }, `The report cannot be shown: ${error.message}`));
  throw error;
});
