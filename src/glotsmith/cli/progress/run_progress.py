"""Show the progress of a run."""

from collections.abc import Sequence

from glotsmith.cli.progress.display import ProgressDisplay
from glotsmith.counts import counted
from glotsmith.execution.base import RecordedResult
from glotsmith.records import FunnelRow


class RunProgress(ProgressDisplay):
    """Shows the progress of a run (``execution.base.Progress``); a context manager."""

    def on_run_started(self, funnel: Sequence[FunnelRow]) -> None:
        """Show the steps, with the counts of earlier starts; in later rounds, update their counts."""
        for row in funnel:
            if (step := self.state.steps.get(row.step)) is None:
                step = self.state.add_step(row.step)
                step.before = row.taken
                step.state = "running" if row.taken else "waiting"
            step.set_funnel(row)
        done = sum(row.taken for row in funnel)
        self.start(f"Resumes the run: {counted(done, 'result', 'is')} in its ledger" if done else "")

    def on_result(self, step: str, result: RecordedResult) -> None:
        """Count one result."""
        self.state.steps[step].count(kept=result.made > 0, made=result.made)

    def on_step_restarted(self, step: str) -> None:
        """Forget the results of a step."""
        self.state.restart(step)

    def on_step_finished(self, step: str) -> None:
        """Mark a step as finished, and show it unless an earlier round finished it."""
        if self.state.steps[step].state != "finished":
            self.finish(step)

    def on_run_ended(self, funnel: Sequence[FunnelRow]) -> None:
        """Set the counts to those of the ledger."""
        for row in funnel:
            self.state.steps[row.step].set_funnel(row)
