// The details of one row: programs side by side, tests, lineage, prompts and replies.

async function detailElement(run, row) {
  let detail;
  try {
    detail = await run.detail(row);
  } catch (error) {
    return el("p", { class: "empty", role: "alert" }, error.message);
  }
  const siblings = (run.byProblem.get(run.problem[row]) || []).filter((one) => one !== row);
  return el("article", {},
    detailHead(run, row, detail),
    whyElement(run, row, detail),
    programs(run, row, detail, siblings),
    section("Sampling", detail.sampling && el("p", {}, detail.sampling)),
    testTable(run, row, detail),
    outputs(detail),
    section("Instruction", detail.instruction && codeBox(detail.instruction, "", "Instruction")),
    exchanges(detail),
    lineage(run, row, detail),
    more(detail));
}

function section(title, ...content) {
  const shown = content.flat(Infinity).filter(Boolean);
  return shown.length ? el("section", { class: "part" }, el("h3", {}, title), shown) : "";
}

function detailHead(run, row, detail) {
  const status = run.text("status", row), verdict = run.text("verdict", row);
  return el("header", { class: "detail-head" },
    el("button", { class: "quiet back", onclick: () => app.view.close() }, "← List"),
    el("h2", {}, el("bdi", {}, run.name[row])),
    el("p", { class: "badges" }, el("span", { class: `badge ${status}` }, `${status} at ${run.text("step", row)}`),
      run.text("language", row) && el("span", { class: "badge" }, displayName(run.text("language", row))),
      verdict && verdictBadge(verdict),
      run.text("kind", row) && el("span", { class: "badge" }, run.text("kind", row)),
      el("a", { class: "badge link", href: rowAddress(run, row), title: "The address of this row" }, "link")),
    evidence(run, row, detail));
}

function verdictBadge(verdict) {
  return el("span", { class: `badge ${verdict === "pass" ? "kept" : "lost"}` }, verdict);
}

function displayName(language) {
  return app.highlighting[language] ? app.highlighting[language].display : language;
}

// Return meters for coverage, mutants and pass rate.
function evidence(run, row, detail) {
  if (run.mutants[row] < 0) return "";
  const suite = detail.suite;
  const meters = [["line coverage", run.lines[row]], ["branch coverage", run.branches[row]],
    [suite.mutants === undefined ? "mutation score" : `mutation score (${counted(suite.mutants, "mutant")})`, run.mutants[row]]];
  if (run.passed[row] >= 0) meters.push(["replies that passed", run.passed[row]]);
  return el("dl", { class: "meters" }, meters.map(([name, value]) => el("div", {}, el("dt", {}, name),
    el("dd", {}, el("span", { class: "meter", "aria-hidden": "true" },
      el("span", { style: { width: `${value}%` } })), `${value} %`))));
}

function whyElement(run, row, detail) {
  const reason = run.text("reason", row);
  if (!reason) return "";
  const sentence = run.summary.because[reason] || "";
  return el("div", { class: `why ${run.text("status", row)}` },
    el("p", {}, el("strong", {}, reason), sentence ? `: ${sentence}.` : ""),
    detail.because && el("p", { class: "mono wrap" }, detail.because.slice(0, SHOWN_CHARACTERS)));
}

function programs(run, row, detail, siblings) {
  const left = el("div", { class: "side" }), right = el("div", { class: "side" });
  const fill = (side, title, code, language) => side.replaceChildren(el("h4", {}, title),
    code ? codeBox(code, language, title) : el("p", { class: "empty" }, "no program"));
  const language = run.text("language", row), similar = detail.similar;
  const original = Boolean(detail.code && detail.source && detail.source !== detail.code);
  const own = detail.code ? language : "python"; // an item without a program is a Python function
  if (similar) fill(left, `Similar: ${similar.name || similar.key}`, similar.code, similar.language || "python");
  else if (original) fill(left, "Python original", detail.source, "python");
  fill(right, detail.code ? displayName(language) || "Program" : "Python source", detail.code || detail.source, own);
  const show = async (one) => {
    const other = await run.detail(one);
    left.hidden = false;
    fill(left, siblingName(run, one), other.code || other.source, other.code ? run.text("language", one) : "python");
  };
  const choices = siblings.filter((one) => run.characters[one]).slice(0, 60);
  const chooser = choices.length ? el("p", { class: "siblings" },
    el("span", { class: "soft" }, `Other rows of this problem (${count(siblings.length)}): `),
    choices.map((one) => el("span", { class: "sibling" },
      el("button", { class: `chip ${run.text("status", one)}`, title: "Show it beside this program", onclick: () => show(one) }, siblingName(run, one)),
      el("a", { href: rowAddress(run, one), "aria-label": `Open ${siblingName(run, one)}` }, "↗")))) : "";
  const sides = similar || original || choices.length ? [left, right] : [right];
  left.hidden = !similar && !original;
  return section(sides.length > 1 ? "Programs" : "Program", chooser, el("div", { class: `sides n${sides.length}` }, sides));
}

function siblingName(run, row) {
  const verdict = run.text("verdict", row), name = displayName(run.text("language", row)) || run.name[row];
  return `${name} ${verdict || run.text("reason", row) || run.text("status", row)}`;
}

// Split `assert f(1, "a)") == 2` into the call's arguments and the expected value; null for another form.
function splitTest(test) {
  const start = test.indexOf("(");
  if (!test.startsWith("assert ") || start < 0) return null;
  let depth = 0, quote = "";
  for (let i = start; i < test.length; i++) {
    const c = test[i];
    if (quote) {
      if (c === "\\") i++;
      else if (c === quote) quote = "";
    } else if (c === "'" || c === '"') quote = c;
    else if ("([{".includes(c)) depth++;
    else if (")]}".includes(c) && --depth === 0) {
      const rest = test.slice(i + 1);
      const found = rest.match(/^\s*(?:==|is)\s/);
      return found ? { call: test.slice(7, i + 1), expected: rest.slice(found[0].length) } : null;
    }
  }
  return null;
}

function testTable(run, row, detail) {
  if (!detail.tests.length) return "";
  const all = run.text("verdict", row) === "pass";
  const judged = detail.cases.length > 0 || all;
  const body = detail.tests.map((test, i) => {
    const parts = splitTest(test), one = detail.cases[i];
    const status = one ? one.status : all ? "pass" : "";
    const actual = one ? one.actual : all ? "equal" : "";
    return el("tr", { class: status === "pass" ? "" : status ? "bad" : "" }, el("td", { class: "number soft" }, String(i + 1)),
      parts ? [cell(parts.call), cell(parts.expected)] : el("td", { colspan: "2" }, value(test)),
      judged && [cell(actual, all && !one), el("td", {}, el("span", { class: `verdict ${status === "pass" ? "kept" : "lost"}` }, status))]);
  });
  const headings = ["", "call", "expected", ...(judged ? ["actual", "verdict"] : [])];
  return section(`Tests (${detail.tests.length})`, detail.signature && el("p", { class: "mono wrap soft" }, detail.signature),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Tests" }, el("table", { class: "tests" },
      el("thead", {}, el("tr", {}, headings.map((heading) => el("th", { scope: "col" }, heading)))), el("tbody", {}, body))),
    all && !detail.cases.length && el("p", { class: "soft" },
      "The ledger keeps the actual values of programs that failed. A program that passed returned the expected values, within the tolerance of floats."));
}

function cell(text, soft) {
  return el("td", { class: soft ? "soft" : "" }, value(text));
}

function value(text) {
  const box = el("code", { class: "value", dir: "ltr" });
  appendVisible(box, String(text).slice(0, 2000));
  if (text.length > 2000) box.append(` … ${count(text.length)} characters`);
  return box;
}

function outputs(detail) {
  const verdict = detail.verdict;
  return section("Output", verdict.detail && el("p", {}, verdict.detail),
    ["stderr", "stdout"].filter((name) => verdict[name]).map((name) => [el("h4", {}, name), codeBox(verdict[name], "", name)]));
}

function exchanges(detail) {
  const found = detail.exchanges || [];
  const prompts = new Map();
  for (const one of found) {
    const id = `${one.call}\n${one.prompt}`;
    if (!prompts.has(id)) prompts.set(id, []);
    prompts.get(id).push(one);
  }
  return section("Prompts and replies", [...prompts.values()].map((group) => el("details", { class: "exchange" },
    el("summary", {}, el("strong", {}, group[0].call), ` ${counted(group.length, "reply", "replies")}`),
    el("h4", {}, "Prompt"), codeBox(group[0].prompt || "not stored, because it is not text", "", "Prompt"),
    group.map((one) => [el("h4", {}, `Reply ${one.sample}`),
      codeBox(one.reply === null ? "not in the cache of the run" : one.reply, "", `Reply ${one.sample}`)]))));
}

function lineage(run, row, detail) {
  const steps = run.summary.funnel.map((one) => one.step);
  const own = run.text("step", row), status = run.text("status", row);
  const last = steps.indexOf(own);
  const track = el("ol", { class: "track" }, steps.map((step, i) => el("li", { class: i < last || (i === last && status === "kept") ? "kept" : i === last ? status : "later" }, step)));
  const entries = [
    ["origin", Object.values(detail.origin).length ? `${detail.origin.source || ""} ${detail.origin.path || ""}:${detail.origin.line || 1}` : ""],
    ["version", detail.origin.version], ["licence", detail.origin.licence],
    ...Object.entries(detail.lineage).map(([name, one]) => [name.replace(/_/g, " "), String(one)]),
    ["tests by", Object.entries(detail.suite.writers || {}).map(([name, number]) => `${name} ${number}`).join(", ")],
    ["CPU time", detail.verdict.seconds ? `${detail.verdict.seconds} s` : ""],
    ...detail.path.map(([step, key]) => [`key from ${step}`, key]),
  ].filter(([, one]) => one);
  return section("Lineage", track, el("dl", { class: "facts" }, entries.map(([name, one]) => [el("dt", {}, name), el("dd", {}, one)])));
}

function more(detail) {
  const entries = Object.entries(detail.more);
  return section("More fields", entries.length && el("details", {}, el("summary", {}, entries.map(([name]) => name).join(", ")),
    codeBox(JSON.stringify(detail.more, null, 2), "", "More fields")));
}
