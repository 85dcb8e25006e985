// An evaluation: figures with intervals, problems, failure classes and samples; and paired differences of several.

const SHOWN_PROBLEMS = 40;

function evaluationOverview(run) {
  const all = run.summary;
  return el("div", { class: "overview" }, evaluationHeadline(run), figureSection(all), problemSection(run), classSection(run), messageSection(run),
    impossibleSection(all), settingsSection(all));
}

function share(value) {
  return `${(100 * value).toFixed(1)} %`;
}

function intervalText(value, confidence) {
  return `${share(value.mean)} (${Math.round(100 * confidence)} % interval ${share(value.low)} to ${share(value.high)})`;
}

function scoreName(score) {
  return `${score.benchmark}, ${displayName(score.language)}`;
}

function evaluationHeadline(run) {
  const all = run.summary, scored = all.scores.filter((score) => score.figures.length);
  const first = scored[0], figure = first && first.figures[0];
  const samples = sum(all.scores.map((score) => score.samples)), infra = sum(all.scores.map((score) => score.infra));
  const model = all.settings["teacher.model"] || all.settings.completions || "";
  const failures = Object.entries(totals(all.scores.flatMap((score) => Object.entries(score.statuses)))).filter(([status]) => status !== "pass").sort((a, b) => b[1] - a[1]);
  const unsolved = all.problems.filter((one) => one.scored && !one.passed).length;
  return el("section", { class: "hero" }, el("p", { class: "eyebrow" }, "evaluation", model && ` · ${model}`),
    el("h1", {}, figure ? [`${share(figure.mean)} pass@${figure.k}`, scored.length === 1 ? ` on ${scoreName(first)}` : ` on ${scoreName(first)}, and ${counted(scored.length - 1, "more figure")}`] : "No figure"),
    el("div", { class: "cards" },
      card("Interval", figure ? `${share(figure.low)} to ${share(figure.high)}` : "none", figure ? `${Math.round(100 * all.confidence)} % interval over ${counted(figure.problems, "problem")}.` : "No problem has a verdict."),
      card("Commonest failure", failures.length ? el("a", { href: rowsAddress(run, { verdict: failures[0][0] }) }, failures[0][0]) : "none", failures.length ? `${counted(failures[0][1], "sample")} of ${count(samples + infra)}.` : "Every sample passed."),
      card("Never solved", el("a", { href: rowsAddress(run, { passed: "0-0" }) }, counted(unsolved, "problem")), `of ${count(all.problems.length)} that were asked.`),
      card("Samples", count(samples), `with a verdict; ${count(infra)} without, because the machine or the teacher failed.`)),
    all.notes.length > 0 && el("ul", { class: "notes" }, all.notes.map((note) => el("li", {}, note))));
}

function figureSection(all) {
  const entries = all.scores.flatMap((score, i) => score.figures.map((figure) => ({ label: `${scoreName(score)}, pass@${figure.k}`, colour: i,
    mean: figure.mean, low: figure.low, high: figure.high, text: intervalText(figure, all.confidence) })));
  const ks = [...new Set(all.scores.flatMap((score) => score.figures.map((figure) => figure.k)))].sort((a, b) => a - b);
  const cellOf = (score, k) => {
    const found = score.figures.find((figure) => figure.k === k);
    return found ? `${share(found.mean)} (${share(found.low)} – ${share(found.high)})` : "–";
  };
  return panel("pass@k", `The line of each figure is its ${Math.round(100 * all.confidence)} % interval over problems.`,
    entries.length > 0 && intervalPlot("pass@k with intervals", entries, { high: Math.min(1, Math.max(.1, Math.ceil(10 * Math.max(...entries.map((one) => one.high))) / 10)) }),
    table(["benchmark", "language", ...ks.map((k) => `pass@${k}`), "problems", "samples", "no verdict", "impossible"], all.scores.map((score) => [score.benchmark, displayName(score.language),
      ...ks.map((k) => cellOf(score, k)), score.problems - score.unscored, score.samples, score.infra, score.impossible]), "Figures"));
}

// Return a histogram of the pass rates of problems, and the problems with the lowest ones.
function problemSection(run) {
  const all = run.summary, scored = all.problems.filter((one) => one.scored);
  if (!scored.length) return "";
  const bars = new Array(11).fill(0);
  for (const one of scored) bars[Math.floor((10 * one.passed) / one.scored)]++;
  const rate = (one) => one.passed / one.scored;
  const lowest = [...scored].sort((a, b) => rate(a) - rate(b) || b.scored - a.scored).slice(0, SHOWN_PROBLEMS);
  return panel("Problems", "The share of the samples of each problem that passed.",
    el("div", { class: "plots" }, histogram("Problems by pass rate", bars, (low, high) => rowsAddress(run, { passed: `${low}-${high}` }), "problem")),
    table(["problem", "benchmark", "language", "passed", "samples", "verdicts"], lowest.map((one) => [el("a", { href: problemAddress(run, one) }, one.problem), one.benchmark, displayName(one.language),
      one.passed, one.scored, statusText(one.statuses)]), "The problems with the lowest pass rates", true),
    scored.length > SHOWN_PROBLEMS && el("p", {}, el("a", { href: rowsAddress(run, { sort: "passed" }) }, `All samples, those of the hardest problems first`)));
}

function problemAddress(run, one) {
  return rowsAddress(run, { step: one.benchmark, language: one.language, source: one.problem });
}

function statusText(statuses) {
  return Object.entries(statuses).sort((a, b) => b[1] - a[1]).map(([status, samples]) => `${status} ${count(samples)}`).join(", ");
}

function classSection(run) {
  return panel("Verdicts", "The samples of each benchmark and language by verdict. Each bar is a link to its samples.", run.summary.scores.map((score) => [el("h3", {}, scoreName(score)),
    barList(Object.entries(score.statuses).sort((a, b) => b[1] - a[1]).map(([status, value]) => ({ label: status, value, kind: status === "pass" ? "kept" : "lost",
      href: rowsAddress(run, { step: score.benchmark, language: score.language, verdict: status }), title: counted(value, "sample") })))]));
}

function messageSection(run) {
  const found = run.summary.failures.flatMap((one) => one.messages.map((message) => ({ ...message, status: one.status, language: one.language }))).sort((a, b) => b.programs - a.programs);
  return panel("Commonest messages", "Of compilers and programs, without places, names and numbers.", found.length > 0 && el("ul", { class: "messages" }, found.slice(0, 20).map((one) => el("li", {},
    el("span", { class: "number" }, count(one.programs)), el("code", {}, one.message), el("span", { class: "soft" }, ` ${one.status}, ${displayName(one.language)}`)))));
}

function impossibleSection(all) {
  return panel("Problems that are not asked, or that no program can pass", "", all.impossible.length > 0 &&
    table(["problem", "benchmark", "language", "reason", "detail"], all.impossible.slice(0, 200).map((one) => [one.problem, one.benchmark, displayName(one.language), one.reason, shortened(one.detail, 200)]), "Impossible problems"));
}

function problemText(run, row) {
  return run.passed[row] >= 0 ? `${run.passed[row]} % of this problem passed` : "";
}

// Return the details of a sample: the program, the values of its tests, and the completion of the model.
async function sampleElement(run, row) {
  let detail;
  try {
    detail = await run.detail(row);
  } catch (error) {
    return el("p", { class: "empty", role: "alert" }, error.message);
  }
  const language = run.text("language", row), facts = Object.entries(detail.verdict).filter(([name, value]) => value && !name.startsWith("std"));
  return el("article", {},
    el("header", { class: "detail-head" }, el("button", { class: "quiet back", onclick: () => app.view.close() }, "← List"), el("h2", {}, el("bdi", {}, run.name[row])),
      el("p", { class: "badges" }, verdictBadge(run.text("verdict", row)), el("span", { class: "badge" }, displayName(language)), el("span", { class: "badge" }, run.text("step", row)),
        el("a", { class: "badge link", href: rowAddress(run, row), title: "The address of this sample" }, "link"))),
    detail.because && run.text("status", row) !== "pass" && el("div", { class: "why lost" }, el("p", { class: "mono wrap" }, detail.because.slice(0, SHOWN_CHARACTERS))),
    section("Program", sampleSides(run, row, detail, language)),
    caseTable(detail),
    outputs({ verdict: { detail: "", ...detail.verdict } }),
    section("Completion", codeBox(detail.completion || "empty", "", "Completion")),
    section("Verdict", facts.length && el("dl", { class: "facts" }, facts.map(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]))));
}

// Return the program, next to the program of another sample of the problem, also of another evaluation.
function sampleSides(run, row, detail, language) {
  const left = el("div", { class: "side", hidden: true }), right = el("div", { class: "side" });
  const fill = (side, title, code) => side.replaceChildren(el("h4", {}, title), code ? codeBox(code, language, title) : el("p", { class: "empty" }, "no program"));
  fill(right, run.name[row], detail.code);
  const others = app.runs.filter((one) => one.type === "evaluation").flatMap((one) => (one.byProblem.get(run.problem[row]) || [])
    .filter((i) => (one !== run || i !== row) && one.text("language", i) === language && one.text("step", i) === run.text("step", row)).map((i) => [one, i]));
  const titleOf = ([one, i]) => `${one === run ? "" : `${one.summary.name}, `}sample ${one.sample[i]} ${one.text("verdict", i)}`;
  const chooser = others.length ? el("p", { class: "siblings" }, el("span", { class: "soft" }, `Other samples of this problem (${count(others.length)}): `), others.slice(0, 60).map((other) => el("span", { class: "sibling" },
    el("button", { class: "chip", title: "Show it beside this program", onclick: async () => {
      const found = await other[0].detail(other[1]);
      left.hidden = false;
      fill(left, titleOf(other), found.code);
    } }, titleOf(other)), el("a", { href: rowAddress(other[0], other[1]), "aria-label": `Open ${titleOf(other)}` }, "↗")))) : "";
  return [chooser, el("div", { class: "sides n2" }, left, right)].filter(Boolean);
}

function caseTable(detail) {
  if (!detail.cases.length) return "";
  const heading = `Tests (${detail.cases.length})`;
  return section(heading, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Tests" }, el("table", { class: "tests" },
    el("thead", {}, el("tr", {}, ["", "actual", "verdict"].map((one) => el("th", { scope: "col" }, one)))),
    el("tbody", {}, detail.cases.map((one, i) => el("tr", { class: one.status === "pass" ? "" : "bad" }, el("td", { class: "number soft" }, String(i + 1)), cell(one.actual),
      el("td", {}, el("span", { class: `verdict ${one.status === "pass" ? "kept" : "lost"}` }, one.status))))))));
}

function evaluationComparison(runs) {
  const names = runs.map((run) => run.summary.name), baseline = runs[0];
  return el("div", { class: "overview" }, el("section", { class: "hero" }, el("p", { class: "eyebrow" }, "Comparison of evaluations"), el("h1", {}, names.join(" and "))),
    runs.slice(1).map((run) => differenceSection(baseline, run)),
    panel("Figures", "", table(["", ...names], figureRows(runs), "Figures")),
    panel("Verdicts", "", countComparison(runs, (run) => totals(run.summary.scores.flatMap((score) => Object.entries(score.statuses))), (run, verdict) => ({ verdict }))),
    runs.slice(1).map((run) => problemDifferences(baseline, run)));
}

function figureRows(runs) {
  const keyed = (run) => new Map(run.summary.scores.flatMap((score) => score.figures.map((figure) => [`${scoreName(score)}, pass@${figure.k}`, figure])));
  const found = runs.map(keyed), labels = [...new Set(found.flatMap((one) => [...one.keys()]))];
  return labels.map((label) => [label, ...found.map((one) => (one.has(label) ? `${share(one.get(label).mean)} (${share(one.get(label).low)} – ${share(one.get(label).high)})` : "–"))]);
}

function signed(value) {
  return `${value >= 0 ? "+" : "−"}${Math.abs(100 * value).toFixed(1)}`;
}

function differenceSection(baseline, run) {
  const found = app.comparisons.find((one) => one.baseline === baseline.number && one.other === run.number);
  if (!found) return panel(`${run.summary.name} against ${baseline.summary.name}`, "", el("p", {}, "They have no question in common, so there is no difference."));
  const furthest = Math.max(...found.differences.flatMap((one) => [Math.abs(one.low), Math.abs(one.high)]));
  const most = Math.min(1, Math.max(.1, Math.ceil(10 * furthest) / 10));
  const entries = found.differences.map((one) => ({ label: `${scoreName(one)}, ${one.figure}`, mean: one.difference, low: one.low, high: one.high, colour: one.figure.startsWith("pass@") ? 0 : 1,
    text: `${signed(one.difference)} points (${signed(one.low)} to ${signed(one.high)})` }));
  const only = [[found.only_baseline, baseline], [found.only_other, run]].filter(([number]) => number).map(([number, one]) => `${counted(number, "question")} with a verdict in ${one.summary.name} only are not compared. `);
  const settings = Object.entries(found.settings);
  return panel(`${run.summary.name} against ${baseline.summary.name}`,
    `Differences in percentage points, paired by problem, with ${Math.round(100 * found.confidence)} % intervals. Right of 0: more in ${run.summary.name}. ${only.join("")}`,
    intervalPlot("Paired differences", entries.slice(0, 40), { low: -most, high: most, zero: true }),
    table(["benchmark", "language", "figure", baseline.summary.name, run.summary.name, "difference", "problems"], found.differences.map((one) => [one.benchmark, displayName(one.language), one.figure,
      share(one.baseline), share(one.other), `${signed(one.difference)} (${signed(one.low)} to ${signed(one.high)})`, one.problems]), "Paired differences"),
    settings.length > 0 && table(["setting", baseline.summary.name, run.summary.name], settings.map(([name, [one, two]]) => [name, one, two]), "Settings that differ", true));
}

function problemDifferences(baseline, run) {
  const known = new Map(baseline.summary.problems.map((one) => [`${one.benchmark}/${one.language}/${one.problem}`, one]));
  const pairs = run.summary.problems.map((one) => [known.get(`${one.benchmark}/${one.language}/${one.problem}`), one]).filter(([before, after]) => before && before.scored && after.scored);
  const change = ([before, after]) => after.passed / after.scored - before.passed / before.scored;
  const changed = pairs.filter((pair) => change(pair)).sort((a, b) => Math.abs(change(b)) - Math.abs(change(a)));
  return panel(`Problems that changed in ${run.summary.name}`, `${counted(changed.length, "problem")} of ${count(pairs.length)} have another pass rate than in ${baseline.summary.name}.`, changed.length > 0 &&
    table(["problem", "benchmark", "language", baseline.summary.name, run.summary.name, "points"], changed.slice(0, 100).map((pair) => [pair[1].problem, pair[1].benchmark, displayName(pair[1].language),
      ...[[baseline, pair[0]], [run, pair[1]]].map(([one, problem]) => el("a", { href: problemAddress(one, problem) }, `${count(problem.passed)} of ${count(problem.scored)}`)), signed(change(pair))]), "Problems that changed"));
}
