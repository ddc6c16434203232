"""Which target starts from which: fixed by the list of targets alone, never by timing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Node = TypeVar("Node")


def nearest_neighbour_tree(
    roots: Sequence[Node], targets: Sequence[Node], distance: Callable[[Node, Node], float]
) -> list[tuple[Node, Node]]:
    """Edges ``(parent, target)`` of the shortest tree that hangs all targets on the roots (Prim 1957).

    A parent comes before its children; equal distances are settled by the order of the lists. Along one coefficient
    the tree is a chain from the source outwards.

    Example:
        >>> nearest_neighbour_tree([0.0], [3.0, 1.0, 2.0], lambda a, b: abs(a - b))
        [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]
    """
    edges: list[tuple[Node, Node]] = []
    closest = {i: (min(roots, key=lambda root: distance(root, target)), target) for i, target in enumerate(targets)}
    while closest:
        i, (parent, target) = min(closest.items(), key=lambda item: distance(*item[1]))
        del closest[i]
        edges.append((parent, target))
        for j, (other_parent, other) in closest.items():
            if distance(target, other) < distance(other_parent, other):
                closest[j] = (target, other)
    return edges


def spine_and_ribs(
    roots: Sequence[Node], targets: Sequence[Node], distance: Callable[[Node, Node], float]
) -> list[list[tuple[Node, Node]]]:
    """Wavefronts of edges ``(parent, target)``: those of one wavefront need none of its own targets.

    A few waypoints, as many as the square root of the number of targets, hang on the roots by their nearest-neighbour
    tree: the spine, one wavefront for each of its levels. Every other target is a rib, which hangs on the nearest
    waypoint or root; all ribs make the last wavefront. The waypoints are chosen one by one as the target farthest from
    all there are (Gonzalez 1985), so that they are spread evenly.

    Example:
        >>> spine_and_ribs([0], [1, 2, 3, 4], lambda a, b: abs(a - b))
        [[(0, 2)], [(2, 4)], [(0, 1), (2, 3)]]
    """
    waypoints: list[int] = []
    far = {i: min(distance(root, target) for root in roots) for i, target in enumerate(targets)}
    while len(waypoints) ** 2 < len(targets):
        chosen = max(far, key=lambda i: far[i])
        del far[chosen]
        waypoints.append(chosen)
        far = {i: min(each, distance(targets[chosen], targets[i])) for i, each in far.items()}
    spine = nearest_neighbour_tree(roots, [targets[i] for i in sorted(waypoints)], distance)
    stations = [*roots, *(target for _, target in spine)]
    ribs = [
        (min(range(len(stations)), key=lambda k: distance(stations[k], targets[i])), targets[i]) for i in sorted(far)
    ]
    in_order = [(stations[k], target) for k, target in sorted(ribs, key=lambda rib: rib[0])]
    return [*_levels(spine), in_order] if in_order else _levels(spine)


def _levels(edges: Sequence[tuple[Node, Node]]) -> list[list[tuple[Node, Node]]]:
    """The edges of a tree, parents first, by their depth."""
    levels: list[list[tuple[Node, Node]]] = []
    for parent, target in edges:
        depth = next((k + 1 for k, level in enumerate(levels) if any(each is parent for _, each in level)), 0)
        if depth == len(levels):
            levels.append([])
        levels[depth].append((parent, target))
    return levels
