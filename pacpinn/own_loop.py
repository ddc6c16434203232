"""The free weights of a transfer method as a torch module, for training loops of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from torch import Tensor, nn

from pacpinn.methods import Method


class Trainable(nn.Module):
    """A network whose only parameters are its free weights, as one vector ``z``: nothing else can move.

    A plain module for plain loops, Lightning or skorch: call it, add :meth:`penalty` to the loss, step any optimiser.

    Example:
        >>> target = pac.to_calibrate()
        >>> optimizer = torch.optim.Adam(target.parameters())
        >>> for x, y in loader:
        ...     optimizer.zero_grad()
        ...     (criterion(target(x), y) + 1e-4 * target.penalty()).backward()
        ...     optimizer.step()
        >>> pac.adopt(target, "new data")
    """

    def __init__(self, method: Method, since: int = 0) -> None:
        super().__init__()
        self.method = method
        self.since = since  # the state of the PAC that it came from
        self.z = nn.Parameter(method.start.clone())

    def forward(self, *inputs: Any, **options: Any) -> Tensor:
        masked = self.method.masked
        return masked.evaluate(masked.by_name(masked.merge(self.z)), *inputs, training=self.training, **options)

    def penalty(self) -> Tensor:
        """The method's penalty ``|z - centre|²``, of strength 1: a scalar."""
        return (self.z - self.method.centre).square().sum()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Moves and casts, as by ``to()``, take the frozen weights along."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.method = self.method.to(self.z.dtype, self.z.device)
        return self
