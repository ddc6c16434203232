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
