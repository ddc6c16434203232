"""Which target starts from which."""

import itertools

import numpy as np
from hypothesis import given, strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree

from pacpinn.sweep import target_tree

PLACES = st.floats(-10, 10).map(lambda number: round(number, 3))
POINTS = st.tuples(PLACES, PLACES)
ROOTS = st.lists(POINTS, min_size=1, max_size=3)
# Powers of two: no two pairs lie equally far apart.
DISTINCT = st.sets(st.integers(0, 30), min_size=2, max_size=12).map(lambda powers: [2.0**each for each in powers])


def points(places):
    return np.array([place if isinstance(place, tuple) else (place,) for place in places], dtype=float)


def named(edges, roots, targets):
    places = [*roots, *targets]
    return [(places[parent], places[target]) for parent, target in edges]


def nearest_neighbour_tree(roots, targets):
    of_targets = points(targets) if targets else np.empty((0, points(roots).shape[1]))
    return named(target_tree.nearest_neighbour_tree(points(roots), of_targets), roots, targets)


def spine_and_ribs(roots, targets):
    return [named(wave, roots, targets) for wave in target_tree.spine_and_ribs(points(roots), points(targets))]


def euclidean(a, b):
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))


@given(ROOTS, st.lists(POINTS, max_size=12))
def test_every_target_comes_once(roots, targets):
    edges = nearest_neighbour_tree(roots, targets)
    assert sorted(target for _, target in edges) == sorted(targets)


@given(ROOTS, st.lists(POINTS, max_size=12))
def test_a_parent_comes_before_its_children(roots, targets):
    solved = list(roots)
    for parent, target in nearest_neighbour_tree(roots, targets):
        assert parent in solved
        solved.append(target)


@given(DISTINCT, st.integers(0, 11))
def test_along_one_coefficient_the_tree_is_a_chain_outwards_from_the_source(places, index):
    source = sorted(places)[index % len(places)]
    targets = [each for each in places if each != source]
    edges = nearest_neighbour_tree([source], targets)
    for side in (1, -1):
        chain = sorted((each for each in places if side * (each - source) >= 0), reverse=side < 0)
        assert [edge for edge in edges if edge[1] in chain] == list(itertools.pairwise(chain))


@given(DISTINCT, st.randoms(use_true_random=False))
def test_the_order_of_listing_does_not_matter(places, random):
    source, *targets = places
    shuffled = random.sample(targets, len(targets))
    assert nearest_neighbour_tree([source], targets) == nearest_neighbour_tree([source], shuffled)


@given(st.sets(POINTS, min_size=2, max_size=10))
def test_no_tree_is_shorter(points):
    source, *targets = sorted(points)
    ours = sum(euclidean(*edge) for edge in nearest_neighbour_tree([source], targets))
    distances = [[euclidean(a, b) for b in (source, *targets)] for a in (source, *targets)]
    np.testing.assert_allclose(ours, minimum_spanning_tree(np.array(distances)).sum(), rtol=1e-9)


def test_each_target_hangs_on_the_root_it_is_near_to():
    edges = nearest_neighbour_tree([0.0, 10.0], [9.0, 1.0])
    assert sorted(edges) == [(0.0, 1.0), (10.0, 9.0)]


def test_equal_distances_are_settled_by_the_order_of_the_list():
    assert nearest_neighbour_tree([0.0], [1.0, -1.0]) == [(0.0, 1.0), (0.0, -1.0)]
    assert nearest_neighbour_tree([0.0], [-1.0, 1.0]) == [(0.0, -1.0), (0.0, 1.0)]


def test_of_two_parents_equally_near_the_earlier_one_is_taken():
    edges = nearest_neighbour_tree([(0.0, 0.0)], [(2.0, 0.0), (1.0, 5.0)])
    assert edges == [((0.0, 0.0), (2.0, 0.0)), ((0.0, 0.0), (1.0, 5.0))]


def test_without_targets_there_is_nothing_to_do():
    assert nearest_neighbour_tree([0.0], []) == []


# Spine and ribs -------------------------------------------------------------------------------------------------------


@given(ROOTS, st.lists(POINTS, min_size=1, max_size=20))
def test_wavefronts_hold_every_target_once_and_hang_on_what_is_solved(roots, targets):
    solved = list(roots)
    for wave in spine_and_ribs(roots, targets):
        assert all(parent in solved for parent, _ in wave)
        solved += [target for _, target in wave]
    assert sorted(solved[len(roots) :]) == sorted(targets)


@given(ROOTS, st.lists(POINTS, min_size=5, max_size=20, unique=True))
def test_all_but_the_waypoints_hang_on_the_nearest_of_them(roots, targets):
    *spine, ribs = spine_and_ribs(roots, targets)
    stations = [*roots, *(target for wave in spine for _, target in wave)]
    assert len(stations) - len(roots) == int(np.ceil(len(targets) ** 0.5))
    for parent, target in ribs:
        assert euclidean(parent, target) == min(euclidean(each, target) for each in stations)


def test_along_one_coefficient_the_spine_is_a_chain_of_waypoints_spread_evenly():
    waves = spine_and_ribs([0.0], [float(i) for i in range(1, 17)])
    assert waves[:-1] == [[(0.0, 4.0)], [(4.0, 8.0)], [(8.0, 12.0)], [(12.0, 16.0)]]
    assert len(waves[-1]) == 12


def test_a_single_target_hangs_on_the_root():
    assert spine_and_ribs([0.0], [1.0]) == [[(0.0, 1.0)]]
