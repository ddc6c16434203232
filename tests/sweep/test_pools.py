"""The pool of this process."""

import pacpinn as pp
from pacpinn.continuation.solution import SolutionOnBase
from pacpinn.sweep.pools import SerialPool
from pacpinn.sweep.tree_step import StartPoint, StepContext


def test_it_holds_one_step_and_takes_it_when_asked(family):
    reported = []

    def reporter(target):
        reported.append(target)
        return lambda step, loss: None

    pool = SerialPool(StepContext(family.problem, family.bases, family.settings), reporter)
    point = StartPoint(SolutionOnBase(family.source, family.bases[0]))
    assert pool.room == 1
    pool.submit(7, [(point, pp.Coefficients(k=1.1))])
    assert (pool.room, reported) == (0, [])
    finished = pool.next()
    (result,) = finished.results
    assert (finished.number, pool.room, reported) == (7, 1, [pp.Coefficients(k=1.1)])
    assert result.found.solved
    assert result.found.coefficients == pp.Coefficients(k=1.1)
