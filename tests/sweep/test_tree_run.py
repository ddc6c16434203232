"""Steps along a tree: in whatever order they finish, the same family."""

import random

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.family.rerun import rerun
from pacpinn.solvers.base import silent
from pacpinn.sweep.pools import SerialPool
from pacpinn.sweep.tree_run import TargetTree
from tests.family.file.test_journal import frozen_too_much
from tests.sweep.lines import Lines
from tests.toys import Decay, same_family

TARGETS = pp.grid(k=np.geomspace(1.2, 3.6, 12))


class Shuffled(SerialPool):
    """A pool of several places whose steps finish in any order."""

    def __init__(self, context, seed, places=4):
        super().__init__(context, lambda _: silent)
        self.random, self.places = random.Random(seed), places

    @property
    def room(self):
        return self.places - len(self._waiting)

    def next(self):
        self.random.shuffle(self._waiting)
        return super().next()


def solved(pool_of=None, targets=TARGETS, progress=lambda _: None, problem=None, **settings):
    family = pp.solve_family(problem or Decay(), targets=targets[:1], tree="spine", keep=0.5, **settings)
    family.extend(targets[1:], progress, pool_of=pool_of)
    return family


@pytest.mark.parametrize("seed", range(5))
def test_the_order_in_which_steps_finish_does_not_matter(seed):
    assert same_family(solved(lambda context: Shuffled(context, seed)), solved())


@pytest.mark.parametrize("seed", range(3))
def test_nor_does_it_where_bases_are_grown(seed):
    """Steps of the same member grow the same base: it is one in the family."""
    asked = {"problem": Lines(), "solver": frozen_too_much, "halvings": 2, "bases": 2}
    here = solved(**asked)
    assert len(here.bases) > 1
    assert same_family(solved(lambda context: Shuffled(context, seed), **asked), here)


def test_a_walk_that_is_interrupted_goes_on_to_the_same_family():
    def stop(progress, left=[5]):  # noqa: B006
        left[0] -= progress.solution is not None
        if not left[0]:
            raise KeyboardInterrupt

    family = pp.solve_family(Decay(), targets=TARGETS[:1], tree="spine", keep=0.5)
    with pytest.raises(KeyboardInterrupt):
        family.extend(TARGETS[1:], stop, pool_of=lambda context: Shuffled(context, 1))
    assert not family.finished
    family.finish()
    assert same_family(family, solved())


def test_a_spine_is_replayed_from_its_file(tmp_path):
    family = pp.load(solved().save(tmp_path / "decay.pac"), Decay())
    assert same_family(rerun(family), family)


def test_steps_wait_for_those_they_start_from_and_no_others():
    tree = TargetTree({"a"}, [[("a", "b")], [("b", "c"), ("a", "d")], [("a", "e")], [("c", "f")]])
    assert [tree.first_ready() for _ in range(3)] == [0, 2, None]
    tree.add("b")
    assert [tree.first_ready() for _ in range(2)] == [1, None]
    tree.add("c")
    assert [tree.first_ready() for _ in range(2)] == [3, None]
