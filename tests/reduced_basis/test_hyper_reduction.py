"""Hyper-reduction: selected rows in place of all."""

import torch

import pacpinn as pp
from pacpinn.reduced_basis.gauss_newton import gauss_newton
from pacpinn.reduced_basis.hyper_reduction import select_rows
from tests.reduced_basis.bases import basis
from tests.reduced_basis.test_reduced_residual import Robin
from tests.toys import Advection, Decay, Level


class Exact(Decay):
    """Decay whose network is left out: its outputs are those that solve it."""

    points = pp.Points(domain=200)

    def features(self, t, c):
        return (torch.exp(-c.k * t) - 1) / t.clamp(min=1e-9)

    def initial_network(self, seed):
        return torch.nn.Identity()


def members(*rates):
    return [pp.Coefficients(k=k) for k in rates]


def test_steps_from_few_rows_end_where_steps_from_all_do():
    exact = basis(Exact(), members(1.0, 1.5, 2.0, 2.5, 3.0))
    rows = select_rows(exact.reduced, members(1.0, 1.5, 2.0, 2.5, 3.0), exact.pod.coordinates)
    c = members(2.2)
    start = exact.pod.coordinates[2:3]
    full = gauss_newton(lambda b: exact.reduced.linearise(c, b), start).unknowns
    few = gauss_newton(lambda b: exact.reduced.restricted(rows).linearise(c, b), start).unknowns
    assert len(rows) <= 3 * 8 * 5
    assert (full - few).norm() < 1e-3


def test_no_more_rows_for_more_points():
    counts = []
    for domain in (200, 800):
        equation = Exact()
        equation.points = pp.Points(domain=domain)
        exact = basis(equation, members(1.0, 2.0, 3.0))
        counts.append(len(select_rows(exact.reduced, members(1.0, 2.0, 3.0), exact.pod.coordinates)))
    assert counts[0] == counts[1]


def test_points_with_values_of_their_own_stay_together():
    found = basis(Robin(), members(1.0, 1.5))
    rows = select_rows(found.reduced, members(1.0, 1.5), found.pod.coordinates)
    few = found.reduced.restricted(rows)
    assert few.points.counts[2] == 2
    few.linearise(members(1.2), found.pod.coordinates[:1])


def test_pairs_of_a_periodic_condition_stay_together():
    speeds = [pp.Coefficients(speed=v) for v in (1.0, 1.5)]
    found = basis(Advection(), speeds)
    few = found.reduced.restricted(select_rows(found.reduced, speeds, found.pod.coordinates))
    ends = few.points.counts[0]
    pairs = few.points.points[:ends]
    assert ends % 2 == 0
    assert (pairs[: ends // 2, 1] == pairs[ends // 2 :, 1]).all()


def test_conditions_that_mix_rows_keep_all_of_them():
    speeds = [pp.Coefficients(speed=v) for v in (1.0, 1.5)]
    found = basis(Level(), speeds)
    assert len(select_rows(found.reduced, speeds, found.pod.coordinates)) == found.reduced.points.rows
