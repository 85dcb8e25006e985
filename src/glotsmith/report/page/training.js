// A training: losses over steps, the weights that were kept, and the settings; several trainings are compared.

function trainingOverview(run) {
  const all = run.summary;
  return el("div", { class: "overview" }, trainingHeadline(all), all.stages.map((stage, i) => lossSectionOf(stage, i, all.stages.length)), stageSection(all), environmentSection(all), settingsSection(all));
}

function lossText(loss) {
  return loss === null || loss === undefined ? "not measured" : typeof loss === "number" ? loss.toFixed(4) : loss;
}

// Return the lines of a plot without losses that are not finite.
function finiteLines(lines) {
  const finite = lines.map((line) => ({ ...line, points: line.points.filter(([, loss]) => typeof loss === "number") }));
  return finite.filter((line) => line.points.length);
}

function trainingHeadline(all) {
  const last = all.stages.at(-1), tokens = sum(all.stages.map((stage) => stage.tokens)), seconds = sum(all.stages.map((stage) => stage.seconds));
  const held = last && (last.chosen_loss ?? (last.held_out.at(-1) || [])[1]);
  return el("section", { class: "hero" }, el("p", { class: "eyebrow" }, `${all.method} · preset ${all.preset} · ${all.finished ? "finished" : "not finished"}`),
    el("h1", { title: all.model }, all.model.split("/").filter(Boolean).at(-1) || "a model"),
    el("div", { class: "cards" },
      card("Loss on held-out problems", lossText(held), last && last.held_out.length ? `It began at ${lossText(last.held_out[0][1])}; ${counted(all.held_out_problems, "problem")} held out.` : "No problem is held out."),
      card("Weights that are kept", last && last.chosen_step !== null ? `step ${count(last.chosen_step)}` : "none yet", last ? `of ${counted(last.steps, "step")}${last.stopped ? `; ${last.stopped}` : ""}.` : ""),
      card("Loss on training rows", lossText(last && (last.training.at(-1) || [])[1]), all.rows.length ? `${counted(sum(all.rows), "row")} in ${counted(all.stages.length, "stage")}.` : ""),
      card("Tokens", count(tokens), seconds ? `in ${duration(seconds)}, in the process that ended each stage.` : "")));
}

function lossSectionOf(stage, i, stages) {
  const lines = finiteLines([{ name: "training rows", points: stage.training }, { name: "held-out problems", points: stage.held_out }]);
  const missing = [...stage.training, ...stage.held_out].filter(([, loss]) => typeof loss !== "number");
  const marks = stage.chosen_step === null ? [] : [{ x: stage.chosen_step, text: `weights of step ${count(stage.chosen_step)}` }];
  return panel(stages > 1 ? `Loss of stage ${i + 1}` : "Loss", "The vertical line is the step whose weights are kept: the lowest loss on the held-out problems, or the last step.",
    lines.length > 0 && valuePlot(`Loss over the steps of stage ${i + 1}`, lines, marks.filter((mark) => lines.some((line) => line.points.some(([x]) => x >= mark.x)))),
    missing.length > 0 && el("p", { class: "note" }, `Not finite: ${counted(missing.length, "loss", "losses")}, the first at step ${count(Math.min(...missing.map(([step]) => step)))}.`),
    stage.held_out.length > 0 && table(["step", "loss on held-out problems"], stage.held_out.map(([step, loss]) => [step, step === stage.chosen_step ? [el("strong", {}, lossText(loss)), " kept"] : lossText(loss)]), "Losses on held-out problems"));
}

function stageSection(all) {
  return panel("Stages", "", all.stages.length > 0 && table(["stage", "steps", "kept step", "held-out loss", "tokens", "seconds", "rows cut", "ended"], all.stages.map((stage) => [stage.stage, stage.steps,
    stage.chosen_step === null ? "–" : stage.chosen_step, lossText(stage.chosen_loss), stage.tokens, stage.seconds.toFixed(1), stage.too_long, stage.stopped || "after its epochs"]), "Stages"),
    all.stages.map((stage) => stage.precision && el("p", { class: "note" }, `Stage ${stage.stage} computed in ${stage.precision}.`)));
}

function environmentSection(all) {
  const entries = [...(all.device ? [["device", all.device]] : []), ...Object.entries(all.versions)];
  return panel("Device and libraries", "", entries.length > 0 && el("dl", { class: "facts" }, entries.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])));
}

function trainingComparison(runs) {
  const names = runs.map((run) => run.summary.name), last = (run) => run.summary.stages.at(-1);
  const linesOf = (name) => finiteLines(runs.filter(last).map((run) => ({ name: run.summary.name, points: last(run)[name] })));
  const heldOut = linesOf("held_out"), training = linesOf("training");
  const cellOf = (get) => (run) => (last(run) ? get(last(run)) : "–");
  const line = (name, get) => [name, ...runs.map(cellOf(get))];
  return el("div", { class: "overview" }, el("section", { class: "hero" }, el("p", { class: "eyebrow" }, "Comparison of trainings"), el("h1", {}, names.join(" and "))),
    panel("Loss on held-out problems", "Of the last stage. Losses are comparable only if the same problems are held out.", heldOut.length > 0 && valuePlot("Loss on held-out problems", heldOut, [])),
    panel("Loss on training rows", "Of the last stage.", training.length > 0 && valuePlot("Loss on training rows", training, [])),
    panel("Figures", "", table(["", ...names], [["model", ...runs.map((run) => run.summary.model)], line("steps", (stage) => stage.steps), line("kept step", (stage) => (stage.chosen_step === null ? "–" : stage.chosen_step)),
      line("held-out loss", (stage) => lossText(stage.chosen_loss)), line("tokens", (stage) => stage.tokens)], "Figures")));
}
