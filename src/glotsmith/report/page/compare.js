// Two or more runs, evaluations or trainings side by side.

// Compare the entries of each type that has several.
function comparisons(runs) {
  const of = (type) => runs.filter((run) => run.type === type);
  const parts = [["run", comparison], ["evaluation", evaluationComparison], ["training", trainingComparison]]
    .filter(([type]) => of(type).length > 1).map(([type, compared]) => compared(of(type)));
  if (parts.length) return el("div", {}, parts);
  return el("div", { class: "overview" }, el("section", { class: "hero" }, el("h1", {}, "Nothing to compare"),
    el("p", {}, "The file has one run, one evaluation or one training of each kind.")));
}

function comparison(runs) {
  const all = runs.map((run) => run.summary);
  const line = (name, cellOf) => [name, ...runs.map(cellOf)];
  const figure = (name) => (run) => (run.summary.figures ? run.summary.figures[name] : "–");
  const rows = [
    line("recipe", (run) => `${run.summary.recipe}${run.summary.finished ? "" : " (not finished)"}`),
    line("inputs", (run) => run.summary.funnel[0].taken),
    line("rows", (run) => el("a", { href: address(run, "overview", {}) }, count(run.summary.funnel.at(-1).made))),
    line("rows for 100 inputs", (run) => percent(run.summary.funnel.at(-1).made, run.summary.funnel[0].taken)),
    line("problems", (run) => run.summary.problems),
    line("distinct problems", figure("distinct")),
    line("preference pairs", figure("pairs")),
    line("tokens", (run) => sum(run.summary.funnel.map((row) => row.tokens))),
    line("US $ paid", (run) => paidDollars(run.summary).toFixed(4)),
    line("failing programs", (run) => sum(run.summary.failures.map((one) => one.programs))),
  ];
  const names = all.map((one) => one.name);
  return el("div", { class: "overview" }, el("section", { class: "hero" }, el("p", { class: "eyebrow" }, "Comparison"), el("h1", {}, names.join(" and "))),
    panel("Figures", "", table(["", ...names], rows, "Figures")),
    panel("Share of each step that was kept", "", stepComparison(runs)),
    panel("Why inputs were dropped", "", countComparison(runs, (run) => totals(drops(run.summary).map(([, reason, rows]) => [reason, rows])), (run, reason) => ({ reason, status: "dropped" }))),
    panel("Why sampling stopped", "", countComparison(runs, (run) => totals(run.summary.sampling.map((one) => [one.reason, one.problems])), (run, stop) => ({ stop }))),
    panel("Failing programs", "", countComparison(runs, (run) => totals(run.summary.failures.map((one) => [one.status, one.programs])), (run, verdict) => ({ verdict, status: "lost" }))),
    panel("Languages", "", countComparison(runs, (run) => run.summary.dataset_languages, (run, language) => ({ language, status: "kept" }))));
}

function totals(entries) {
  const found = {};
  for (const [name, rows] of entries) found[name] = (found[name] || 0) + rows;
  return found;
}

function stepComparison(runs) {
  const steps = [...new Set(runs.flatMap((run) => run.summary.funnel.map((row) => row.step)))];
  return el("div", { class: "compared" }, steps.map((step) => el("div", { class: "compared-line" }, el("h3", {}, step),
    runs.map((run) => {
      const row = run.summary.funnel.find((one) => one.step === step);
      if (!row) return el("p", { class: "soft" }, `${run.summary.name}: no such step`);
      const share = row.taken ? (100 * row.kept) / row.taken : 0;
      return el("div", { class: "bar-line" }, el("span", { class: "bar-label" }, run.summary.name),
        el("span", { class: "bar-track", "aria-hidden": "true" }, el("span", { class: "bar kept", style: { width: `${share}%` } })),
        el("span", { class: "number" }, row.taken ? `${percent(row.kept, row.taken)} of ${count(row.taken)}` : "–"));
    }))));
}

function countComparison(runs, countsOf, filtersOf) {
  const found = runs.map(countsOf);
  const names = [...new Set(found.flatMap((counts) => Object.keys(counts)))];
  names.sort((a, b) => sum(found.map((counts) => counts[b] || 0)) - sum(found.map((counts) => counts[a] || 0)));
  return names.length > 0 && table(["", ...runs.map((run) => run.summary.name)], names.slice(0, 40).map((name) => [displayName(name),
    ...runs.map((run, i) => (found[i][name] ? el("a", { href: rowsAddress(run, filtersOf(run, name)) }, count(found[i][name])) : "0"))]), "Counts");
}
