"""Training from scratch, with the warm-up and the easier tasks that a task may state."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Report, Result, silent
from pacpinn.solvers.choice import InTurn, SolverChoice, get_solver
from pacpinn.tasks.task import Task
from pacpinn.transfer.finite_start import finite_start
from pacpinn.transfer.methods import from_scratch


def cold_start(
    network: nn.Module, task: Task, solver: SolverChoice = None, seed: int = 0, report: Report = silent
) -> tuple[MaskedNetwork, Result]:
    """Train all weights of `network` from their initial values: on the easier tasks and the task in turn.

    Args:
        network: where to start; it is not changed.
        solver: name, configured solver or sequence of them; by default one that suits the task, after the warm-up.
        seed: of mini-batches.

    Returns:
        The trained network with all weights free, and the result: the steps and seconds of all tasks, the last status.
    """
    easier = task.easier()
    method = from_scratch(network)
    method = replace(method, start=finite_start(method.masked, method.start, next(iter(easier), task)))
    results: list[Result] = []
    for stage in [*easier, task]:
        stage = stage.seen_by(method.masked.forward(method.start))
        warmed_up = solver is None and task.warm_up and not results
        chosen = InTurn([Adam(steps=task.warm_up), get_solver(None, stage)]) if warmed_up else solver
        results.append(method.train(stage, chosen, penalty=0.0, seed=seed, report=report))
        method = replace(method, start=results[-1].z)
    masked = method.masked.with_mask(None, False, method.masked.merge(method.start))
    return masked, Result.joined(results)
