// The overview of one run. Its numbers are those of the ledger; bars and numbers are links to rows.

function overview(run) {
  const all = run.summary;
  return el("div", { class: "overview" }, headline(run), funnelSection(run), dropReasonSection(run), languageSection(run),
    evidenceSection(run), sampleSection(run), stopSection(run), failureSection(run), similarSection(run), sessionSection(run), costSection(run),
    provenance(run), settingsSection(all));
}

function panel(title, note, ...content) {
  const shown = content.flat(Infinity).filter(Boolean);
  return shown.length ? el("section", { class: "panel" }, el("h2", {}, title), note && el("p", { class: "note" }, note), shown) : "";
}

function headline(run) {
  const all = run.summary, first = all.funnel[0], last = all.funnel.at(-1);
  const languages = Object.keys(all.dataset_languages).length;
  const teachers = Object.keys(all.teachers).filter(Boolean); // rows of the source have none
  return el("section", { class: "hero" },
    el("p", { class: "eyebrow" }, `${all.recipe} · ${all.finished ? "finished" : "not finished"}`,
      teachers.length ? ` · teacher ${teachers.join(", ")}` : ""),
    el("h1", {}, el("a", { href: rowsAddress(run, { step: last.step, status: "kept" }) }, counted(last.made, "row")),
      ` for ${counted(all.problems, "problem")} in ${counted(languages, "language")}`),
    el("div", { class: "cards" }, rowsCard(all, first, last), dropReasonCard(run), weakestCard(run), costCard(all)));
}

function card(title, big, ...small) {
  return el("div", { class: "card" }, el("h3", {}, title), el("p", { class: "big" }, big), el("p", {}, small));
}

function rowsCard(all, first, last) {
  const share = last.made > first.taken ? `${(last.made / first.taken).toFixed(1)} rows per input` : `${percent(last.made, first.taken)} of the inputs`;
  return card("Rows", share, `${count(last.made)} rows from ${count(first.taken)} inputs. `,
    Object.entries(all.dataset_languages).sort((a, b) => b[1] - a[1]).slice(0, 6).map(([name, rows]) => `${displayName(name)} ${count(rows)}`).join(", "));
}

// Return all drops as [step, reason, count], the most frequent first.
function drops(all) {
  return all.funnel.flatMap((row) => Object.entries(row.reasons).map(([reason, rows]) => [row.step, reason, rows]))
    .sort((a, b) => b[2] - a[2]);
}

function dropReasonCard(run) {
  const most = drops(run.summary)[0];
  if (!most) return card("Most frequent drop reason", "none", "No input was dropped.");
  const [step, reason, rows] = most;
  return card("Most frequent drop reason", el("a", { href: rowsAddress(run, { step, reason }) }, reason),
    `${count(rows)} inputs of ${step}: ${run.summary.because[reason]}.`);
}

function weakestCard(run) {
  const weakest = run.summary.weakest[0];
  if (!weakest) return card("Row with the lowest mutation score", "not measured", "No row has a mutation score.");
  const step = run.summary.funnel.at(-1).step;
  return card("Row with the lowest mutation score", el("a", { href: address(run, "rows", { sort: "weakest", row: `${step}/${weakest.key}` }) }, weakest.name),
    `Its tests reject ${Math.floor(100 * weakest.mutation_score)} % of the mutants of its source (${displayName(weakest.language)}, ${counted(weakest.tests, "test")}).`,
    run.summary.quality.untested > 0 && ` ${counted(run.summary.quality.untested, "row")} without this measure.`);
}

function costCard(all) {
  const tokens = sum(all.funnel.map((row) => row.tokens)), paid = all.costs.paid;
  const unknown = paid && paid.requests > 0 && paid.unpriced === paid.requests;
  return card("Cost", unknown ? "price unknown" : dollars(paidDollars(all)), counted(tokens, "token"),
    all.rows && tokens ? `, ${count(Math.round(tokens / all.rows))} for each row` : "",
    all.costs.cached && all.costs.cached.requests ? `; ${counted(all.costs.cached.requests, "reply", "replies")} from a cache` : "",
    paid && paid.unpriced && !unknown ? `; the price of ${counted(paid.unpriced, "reply", "replies")} is unknown` : "",
    all.costs.run_seconds ? `; ran for ${duration(all.costs.run_seconds)}` : "");
}

function paidDollars(all) {
  return all.costs.paid ? all.costs.paid.cost : sum(all.funnel.map((row) => row.cost));
}

function dollars(amount) {
  return `$${amount && amount < 1 ? amount.toFixed(4) : amount.toFixed(2)}`;
}

function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 10 ? seconds.toFixed(1) : whole} s`;
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

function languagesOf(all) {
  return [...new Set(all.languages.map((group) => group.language).filter(Boolean))].sort();
}

function funnelSection(run) {
  const all = run.summary, languages = languagesOf(all);
  const body = el("div", {});
  const show = (language) => {
    body.replaceChildren(el("ol", { class: "funnel" }, all.funnel.map((row) => funnelLine(run, row, language))));
    for (const button of choice.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.value === language));
  };
  const choice = el("div", { class: "segmented", role: "group", "aria-label": "Language of the funnel" },
    ["", ...languages].map((name) => el("button", { value: name, type: "button", onclick: () => show(name) }, name ? displayName(name) : "All")));
  show("");
  return panel("Funnel", "Each bar is one step: the part that it kept, and the parts that it dropped, by reason. Every part is a link to its rows.",
    languages.length > 1 && choice, body);
}

// Return the counts of a step: of all items, or of the rows of one language.
function stepCounts(all, row, language) {
  if (!language) return { kept: row.kept, reasons: row.reasons, losses: row.losses, taken: row.taken, made: row.made };
  const groups = all.languages.filter((group) => group.step === row.step && group.language === language);
  const of = (status) => Object.fromEntries(groups.filter((group) => group.status === status).map((group) => [group.reason, group.rows]));
  const kept = of("kept")[""] || 0, reasons = of("dropped");
  return { kept, reasons, losses: of("lost"), taken: kept + sum(Object.values(reasons)), made: kept };
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

function funnelLine(run, row, language) {
  const { kept, reasons, losses, taken, made } = stepCounts(run.summary, row, language);
  const filters = language ? { language } : {};
  const sorted = Object.entries(reasons).sort((a, b) => b[1] - a[1]);
  const part = (rows, kind, title, href) => rows ? el("a", { class: `part-bar ${kind}`, href, title, "aria-label": title,
    style: { "flex-grow": String(rows) } }) : "";
  const last = row.step === run.summary.funnel.at(-1).step;
  const keptTitle = `${row.step}: kept ${count(kept)} of ${count(taken)}`;
  const keptPart = last ? part(kept, "kept", keptTitle, rowsAddress(run, { step: row.step, status: "kept", ...filters }))
    : kept ? el("span", { class: "part-bar kept", title: keptTitle, style: { "flex-grow": String(kept) } }) : "";
  const bar = el("div", { class: "funnel-bar" }, keptPart,
    sorted.map(([reason, rows], i) => part(rows, i % 2 ? "dropped odd" : "dropped",
      `${row.step} dropped ${count(rows)}: ${reason}, ${run.summary.because[reason]}`, rowsAddress(run, { step: row.step, reason, status: "dropped", ...filters }))));
  const lost = Object.entries(losses).sort((a, b) => b[1] - a[1]);
  const links = (entries, status) => entries.map(([reason, rows]) => el("a", { class: `reason ${status}`, title: run.summary.because[reason],
    href: rowsAddress(run, { step: row.step, reason, status, ...filters }) }, reason, el("span", { class: "number" }, ` ${count(rows)}`)));
  return el("li", { class: taken ? "" : "idle" },
    el("div", { class: "funnel-name" }, row.step), bar,
    el("div", { class: "funnel-share number" }, taken ? percent(kept, taken) : ""),
    el("div", { class: "funnel-text" }, el("span", { class: "number" },
      language ? `${count(made)} out` : `${count(taken)} in, ${count(row.dropped)} dropped, ${count(made)} out`),
      links(sorted, "dropped"), lost.length > 0 && el("span", { class: "soft" }, " lost outputs: "), links(lost, "lost")));
}

function dropReasonSection(run) {
  const most = drops(run.summary).slice(0, 12);
  return panel("Why inputs were dropped", "The most frequent drop reasons, with examples.", most.length && el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Drop reasons" },
    el("table", { class: "losses" }, el("thead", {}, el("tr", {}, ["inputs", "step", "dropped because", "examples"].map((heading) => el("th", { scope: "col" }, heading)))),
      el("tbody", {}, most.map(([step, reason, rows]) => el("tr", {}, el("td", { class: "number" }, count(rows)), el("td", {}, step),
        el("td", {}, el("a", { href: rowsAddress(run, { step, reason, status: "dropped" }) }, reason), el("div", { class: "soft" }, run.summary.because[reason])),
        el("td", { class: "examples" }, examples(run, step, reason))))))));
}

function examples(run, step, reason) {
  const stepCode = run.texts.step.indexOf(step), reasonCode = run.texts.reason.indexOf(reason), dropped = run.texts.status.indexOf("dropped");
  const found = [];
  for (let i = 0; i < run.rows && found.length < 3; i++) {
    if (run.step[i] === stepCode && run.reason[i] === reasonCode && run.status[i] === dropped) found.push(i);
  }
  return found.map((i) => el("div", {}, el("a", { href: rowAddress(run, i) }, run.name[i].slice(0, 60)),
    run.because[i] ? el("span", { class: "soft" }, ` ${shortened(run.because[i], 90)}`) : ""));
}

function languageSection(run) {
  const all = run.summary, last = all.funnel.at(-1).step;
  const rows = Object.entries(all.dataset_languages).sort((a, b) => b[1] - a[1]);
  return panel("Languages", "", rows.length > 0 && barList(rows.map(([language, value]) => ({ label: displayName(language), value, kind: "kept",
    href: rowsAddress(run, { step: last, status: "kept", language }), title: `${count(value)} rows` }))));
}

function evidenceSection(run) {
  const { shares, tests, untested } = run.summary.quality;
  const names = { line_coverage: ["Line coverage", "lines"], branch_coverage: ["Branch coverage", "branches"], mutation_score: ["Mutation score", "mutants"], pass_rate: ["Replies that passed", "passed"] };
  const last = run.summary.funnel.at(-1).step;
  const plots = Object.entries(shares).map(([name, bars]) => histogram(names[name][0], bars,
    (low, high) => rowsAddress(run, { step: last, status: "kept", [names[name][1]]: `${low}-${high}` })));
  const step = last;
  return panel("Evidence", "How well the tests cover each kept program, and how many mutants of its source they reject.",
    plots.length > 0 && el("div", { class: "plots" }, plots),
    untested > 0 && el("p", { class: "note" }, `${counted(untested, "row")} without these measures.`),
    Object.keys(tests).length > 0 && el("p", { class: "note" }, `Tests for each row: ${testRange(tests)}.`),
    run.summary.weakest.length > 0 && [el("h3", {}, "Weakest evidence"), table(["row", "language", "mutation score", "branch coverage", "line coverage", "tests"],
      run.summary.weakest.map((row) => [el("a", { href: address(run, "rows", { sort: "weakest", row: `${step}/${row.key}` }) }, row.name), displayName(row.language),
        `${Math.floor(100 * row.mutation_score)} %`, `${Math.floor(100 * row.branch_coverage)} %`, `${Math.floor(100 * row.line_coverage)} %`, row.tests]), "Weakest evidence")]);
}

function testRange(tests) {
  const numbers = Object.keys(tests).map(Number).sort((a, b) => a - b);
  const total = sum(Object.values(tests));
  let seen = 0;
  const median = numbers.find((number) => (seen += tests[number]) * 2 >= total);
  return `${numbers[0]} to ${numbers.at(-1)}, median ${median}`;
}

function sampleSection(run) {
  const { step, first } = run.summary.samples;
  if (!step) return "";
  const lines = Object.entries(first).map(([language, byTask]) => {
    const groups = run.summary.languages.filter((g) => g.step === step && g.language === language);
    const tasks = sum(groups.map((g) => g.inputs));
    const last = Math.max(...Object.keys(byTask).map(Number));
    let solved = 0;
    const points = [];
    for (let sample = 0; sample <= last; sample++) points.push([sample + 1, (solved += byTask[sample] || 0) / tasks]);
    return { name: `${displayName(language)}: ${count(solved)} of ${count(tasks)} tasks`, points };
  });
  if (lines.every((line) => line.points.length === 1)) {
    return panel("Pass rate", `The share of the tasks of ${step} that the first reply solves; no task was solved by a later one.`,
      lines.length > 0 && barList(lines.map(({ name, points }) => ({ label: name, value: points[0][1], kind: "kept" })),
        ({ value }) => `${(100 * value).toFixed(1)} %`));
  }
  return panel("Pass rate against samples", `The share of the tasks of ${step} with a passing program among the first replies.`,
    lines.length > 0 && linePlot("Share of solved tasks against samples", lines.slice(0, 26), "replies"));
}

// Return a table of why sampling stopped, by language; each number is a link to the rows of its problems.
function stopSection(run) {
  const found = run.summary.sampling;
  const rows = [...new Set(found.map((one) => one.language))].map((language) => {
    const own = found.filter((one) => one.language === language).sort((a, b) => b.problems - a.problems);
    const total = (name) => sum(own.map((one) => one[name]));
    return [displayName(language), own.map((one) => el("div", {},
      el("a", { href: rowsAddress(run, { language, stop: one.reason }) }, one.reason), el("span", { class: "number" }, ` ${count(one.problems)}`),
      el("span", { class: "soft" }, ` ${run.summary.stop_because[one.reason]}`))), total("problems"), total("replies"), total("rows")];
  });
  return panel("Why sampling stopped", "For how many problems no more replies were requested, for each reason. A row says why for its own problem.",
    rows.length > 0 && table(["language", "sampling stopped because", "problems", "replies", "distinct rows"], rows, "Why sampling stopped"));
}

function failureSection(run) {
  const found = run.summary.failures;
  const languages = [...new Set(found.map((one) => one.language))];
  return panel("Failing programs", "Verdicts on generated programs that failed, and the commonest messages of compilers and programs.",
    languages.map((language) => {
      const own = found.filter((one) => one.language === language);
      const messages = own.flatMap((one) => one.messages.map((message) => ({ ...message, status: one.status })));
      return [el("h3", {}, displayName(language) || "Without a language"), barList(own.map((one) => ({ label: one.status, value: one.programs, kind: "lost",
        href: rowsAddress(run, { verdict: one.status, status: "lost", ...(language ? { language } : {}) }), title: `${count(one.programs)} programs` }))),
      messages.length > 0 && el("ul", { class: "messages" }, messages.slice(0, 10).map((one) => el("li", {}, el("span", { class: "number" }, count(one.programs)),
        el("code", {}, one.message), el("span", { class: "soft" }, ` ${one.status}`))))];
    }));
}

function similarSection(run) {
  const codes = ["near_duplicate", "same_behaviour"].map((reason) => run.texts.reason.indexOf(reason)).filter((code) => code >= 0);
  const found = [];
  for (let i = 0; i < run.rows; i++) if (codes.includes(run.reason[i]) && run.because[i]) found.push(i);
  const score = (i) => Number((run.because[i].match(/ROUGE-L ([\d.]+)/) || [0, 0])[1]);
  found.sort((a, b) => score(b) - score(a));
  return panel("Near-duplicates", "Dropped items and what they are similar to. A row shows both programs side by side.", found.length > 0 &&
    [table(["dropped", "language", "step", "similarity"], found.slice(0, 12).map((i) => [el("a", { href: rowAddress(run, i) }, run.name[i]),
      displayName(run.text("language", i)), run.text("step", i), shortened(run.because[i], 80)]), "Near-duplicates"),
    el("p", {}, el("a", { href: rowsAddress(run, { reason: "near_duplicate" }) }, "All near-duplicates"))]);
}

function sessionSection(run) {
  const agents = run.summary.agents;
  if (!agents) return "";
  return panel("Discussions and memory", "What the agents posed, the outcome, and what they remember.",
    table(["session", "epoch", "agents", "problem", "outcome", "solved in"], agents.sessions.map((one) => [one.key, one.epoch,
      [one.agent, ...one.others].join(", "), one.name ? [el("strong", {}, one.name), ` ${shortened(one.instruction, 140)}`] : "",
      el("a", { href: rowsAddress(run, { q: one.key }) }, one.outcome), one.passed.join(", ")]), "Sessions"),
    agents.memories.map((one) => [el("h3", {}, `${displayName(one.agent)} remembers`), el("dl", { class: "facts" }, one.lines.map(([name, text]) => [el("dt", {}, name), el("dd", { class: "wrap" }, text)]))]));
}

function costSection(run) {
  const all = run.summary, costs = all.costs;
  const steps = all.funnel.filter((row) => row.tokens || row.cost);
  const calls = Object.entries(costs.calls), languages = Object.entries(costs.languages);
  const line = ([name, cost]) => [name, cost.requests, cost.tokens, cost.cost.toFixed(4)];
  return panel("Requests, tokens and money", costs.run_seconds ? `The run was running for ${duration(costs.run_seconds)}, over all its starts.` : "",
    steps.length > 0 && table(["step", "tokens", "US $"], steps.map((row) => [row.step, row.tokens, row.cost.toFixed(4)]), "By step", true),
    calls.length > 0 && table(["call", "requests", "tokens", "US $"], calls.map(line), "By call", true),
    languages.length > 0 && table(["language", "requests", "tokens", "US $"], languages.map(([name, cost]) => line([displayName(name), cost])), "By language, without replies from a cache", true),
    costs.times && [el("h3", {}, "Replies over time"), timePlot(costs.times)]);
}

function provenance(run) {
  const all = run.summary;
  return panel("Licences, teachers and toolchains", "", all.licences.length > 0 && table(["licence", "source", "version", "rows"],
    all.licences.slice(0, 40).map(([licence, source, version, rows]) => [licence || "not stated", source, version, rows]), "Licences"),
    all.licences.length > 40 && el("p", { class: "note" }, `${count(all.licences.length - 40)} more sources; the facets of the rows have all.`),
    el("dl", { class: "facts" }, [...Object.entries(all.teachers).map(([name, rows]) => ["teacher", `${name || "none"} (${count(rows)} rows)`]),
      ...Object.entries(all.toolchains).map(([name, rows]) => ["toolchain", `${name} (${count(rows)} rows)`])].map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])));
}

function settingsSection(all) {
  return panel("Settings", "", el("dl", { class: "facts" }, Object.entries(all.settings).map(([name, text]) => [el("dt", {}, name), el("dd", { class: "wrap" }, text.slice(0, 2000))])));
}
