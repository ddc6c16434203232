"""Training from scratch: by way of a warm-up and of easier tasks, where a task states that it needs them."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.solvers.adam import Adam
from pacpinn.solvers.base import Report, Result, Status, silent
from pacpinn.solvers.choice import SolverChoice, get_solver
from pacpinn.solvers.in_turn import InTurn
from pacpinn.tasks.task import Task
from pacpinn.transfer.methods import from_scratch


def cold_start(
    network: nn.Module, task: Task, solver: SolverChoice = None, seed: int = 0, report: Report = silent
) -> tuple[MaskedNetwork, Result]:
    """Train all weights of `network` on `task`, from their initial values, after its easier tasks.

    Args:
        network: where to start; it is left as it is.
        task: what to learn.
        solver: name, configured solver or sequence of them; by default one that suits the task, after its warm-up.
        seed: seed of mini-batches.
        report: called with step and loss.

    Returns:
        The network with all weights free and trained, and how that went: all steps and seconds, the last status.
    """
    method = from_scratch(network)
    results: list[Result] = []
    easier, again = task.easier(), task.again()
    for turn, each in enumerate([*easier, task, *again]):
        if turn > len(easier) and results[-1].status is Status.CONVERGED:
            break  # the task itself is solved: no need to try it again
        seen = each.seen_by(method.masked.forward(method.start))
        chosen = get_solver(solver, seen)
        if solver is None and task.warm_up and not results:
            chosen = InTurn([Adam(steps=task.warm_up), chosen])
        results.append(method.train(seen, chosen, penalty=0.0, seed=seed, report=report))
        method = replace(method, start=results[-1].z)
    masked = method.masked.with_mask(None, False, method.masked.merge(method.start))
    return masked, Result.joined(results)
