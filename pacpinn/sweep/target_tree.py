"""Which target starts from which: decided by the list of targets alone, never by timing.

Points are rows of normalised places, each coefficient in its own scale. An edge ``(parent, target)`` is a pair of
indices, which count the roots first, then the targets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Edge = tuple[int, int]  # indices of parent and target


def nearest_neighbour_tree(roots: np.ndarray, targets: np.ndarray) -> list[Edge]:
    """The edges of the shortest tree that connects all targets to the roots (Prim 1957).

    A parent comes before its children; of equal distances the first in the lists is taken. Along one coefficient the
    tree is a chain from the source outwards. For n targets it takes O(n²) operations on arrays, as Prim's algorithm
    does on points without a neighbour structure: a few seconds for 10,000 targets, far less than solving them.

    Args:
        roots, targets: places, shapes ``(m, k)`` and ``(n, k)``.

    Example:
        >>> nearest_neighbour_tree(np.array([[0.0]]), np.array([[3.0], [1.0], [2.0]]))
        [(0, 2), (2, 3), (3, 1)]
    """
    parents, lengths = _nearest(roots, targets)
    left = np.ones(len(targets), dtype=bool)
    edges: list[Edge] = []
    for _ in targets:
        i = int(np.where(left, lengths, np.inf).argmin())
        left[i] = False
        edges.append((int(parents[i]), len(roots) + i))
        lengths_from_it = distances(targets, targets[i])
        closer = left & (lengths_from_it < lengths)
        parents[closer], lengths[closer] = len(roots) + i, lengths_from_it[closer]
    return edges


def spine_and_ribs(roots: np.ndarray, targets: np.ndarray) -> list[list[Edge]]:
    """Edges in wavefronts: the parents of a wavefront belong to earlier wavefronts, or are roots.

    Waypoints, as many as the square root of the number of targets, are connected to the roots by their
    nearest-neighbour tree: the spine, one wavefront for each of its levels. Every other target is a rib, connected to
    the nearest waypoint or root; all ribs are the last wavefront. The waypoints are chosen one by one, each as the
    target farthest from the roots and the waypoints before it (Gonzalez 1985), so that they are spread evenly.

    Args:
        roots, targets: as for :func:`nearest_neighbour_tree`.

    Example:
        >>> spine_and_ribs(np.array([[0.0]]), np.array([[1.0], [2.0], [3.0], [4.0]]))
        [[(0, 2)], [(2, 4)], [(0, 1), (2, 3)]]
    """
    _, far = _nearest(roots, targets)
    waypoints: list[int] = []
    while len(waypoints) ** 2 < len(targets):
        chosen = int(far.argmax())
        far = np.minimum(far, distances(targets, targets[chosen]))
        far[chosen] = -np.inf
        waypoints.append(chosen)
    waypoints.sort()
    numbers = [*range(len(roots)), *(len(roots) + i for i in waypoints)]
    spine = [(numbers[a], numbers[b]) for a, b in nearest_neighbour_tree(roots, targets[waypoints])]
    stations = [*range(len(roots)), *(b for _, b in spine)]
    ribs = np.setdiff1d(np.arange(len(targets)), waypoints)
    on, _ = _nearest(np.concatenate([roots, targets])[stations], targets[ribs])
    in_order = [(stations[on[k]], len(roots) + int(ribs[k])) for k in np.argsort(on, kind="stable")]
    return [*_levels(spine), in_order] if in_order else _levels(spine)


def _nearest(roots: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each target the index of the nearest root, the first of several, and its distance."""
    which, how_far = np.zeros(len(targets), dtype=int), np.full(len(targets), np.inf)
    for k, root in enumerate(roots):
        lengths = distances(targets, root)
        closer = lengths < how_far
        which[closer], how_far[closer] = k, lengths[closer]
    return which, how_far


def distances(points: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Euclidean distances ``(n,)`` of `points` ``(n, k)`` to one `point` ``(k,)``."""
    return np.sqrt(((points - point) ** 2).sum(axis=1))


def _levels(edges: Sequence[Edge]) -> list[list[Edge]]:
    """The edges of a tree, parents first, grouped by their depth."""
    depth: dict[int, int] = {}
    levels: list[list[Edge]] = []
    for parent, target in edges:
        depth[target] = depth.get(parent, -1) + 1
        if depth[target] == len(levels):
            levels.append([])
        levels[depth[target]].append((parent, target))
    return levels
