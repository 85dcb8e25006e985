// Ask the server of a run in progress for changes, and show them without losing the place.

const POLL_MS = 2000;

function isBusy() {
  const active = document.activeElement;
  return document.hidden || document.getElementById("help").open || (active && active.type === "search") ||
    !window.getSelection().isCollapsed;
}

function showLiveState(text) {
  const element = document.getElementById("live");
  element.hidden = false;
  if (element.textContent !== text) element.textContent = text;
}

// The page of a run in progress has no details of its rows. The place of a row is its number in the ledger.
const storedDetail = Run.prototype.detail;
Run.prototype.detail = function (row) {
  return this.type === "run" ? fetchDetail(this.number, this.place[row]) : storedDetail.call(this, row);
};

async function fetchDetail(run, row) {
  const answer = await fetch(`/row/${run}/${row}`, { cache: "no-store" });
  if (answer.status === 404) throw new Error("The run has another row now. The list shows it after its next update.");
  if (!answer.ok) throw new Error("The row cannot be read.");
  return answer.json();
}

let written = true; // whether the server could write the report that it was asked for last

async function poll() {
  try {
    await update();
    showLiveState(written ? "live" : "the report cannot be written");
  } catch {
    showLiveState("no connection");
  }
  setTimeout(poll, POLL_MS);
}

// Show the newest report, unless the page shows it or the user is busy.
async function update() {
  const answer = await fetch("/state", { cache: "no-store" });
  const version = answer.ok ? (await answer.json()).version : "";
  if (!answer.ok || version === document.documentElement.dataset.version) written = answer.ok;
  else if (!isBusy()) written = await refresh();
}

// Replace the data of the page by that of a new one; return whether there is one.
async function refresh() {
  const answer = await fetch("/", { cache: "no-store" });
  if (!answer.ok) return false;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const data = 'script[type="application/gzip"]';
  for (const element of document.querySelectorAll(data)) element.remove();
  document.body.append(...next.querySelectorAll(data));
  document.documentElement.dataset.version = next.documentElement.dataset.version;
  await loadRuns();
  const before = app.view, place = placeOf(before);
  app.views.clear();
  if (before.unfolded) app.views.set(`rows${before.run.number}`, new RowsView(app.runs[before.run.number]));
  if (before.unfolded) app.views.get(`rows${before.run.number}`).unfolded = before.unfolded;
  const shown = show(), view = app.view, { opened } = view;
  restorePlace(view, place);
  await shown;
  if (app.view === view && view.opened === opened) restorePlace(view, place); // now the details have their height
  return true;
}

function placeOf(view) {
  const active = document.activeElement;
  return { window: scrollY, list: view.list && view.list.element.scrollTop, detail: view.detail && view.detail.scrollTop,
    isInList: Boolean(view.list && view.list.element === active), facet: active && { ...active.dataset }.facet,
    value: active && active.value };
}

function restorePlace(view, place) {
  scrollTo(0, place.window);
  if (view.list) view.list.element.scrollTop = place.list || 0;
  if (view.detail) view.detail.scrollTop = place.detail || 0;
  if (view.list && place.isInList) view.list.element.focus();
  if (view.facets && place.facet) view.focusFacet(place.facet, place.value);
}

setTimeout(poll, POLL_MS);
