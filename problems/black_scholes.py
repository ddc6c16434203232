"""The price of a European call over volatility and interest rate, with the Black-Scholes formula as reference."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import torch
from torch import Tensor

import pacpinn as pp

FAR = 2.0  # largest price of the share


class BlackScholes(pp.Equation):
    """V_t = volatility² S² V_SS / 2 + rate (S V_S - V) on S in [0, 2], t in [0, 1]; V(S, 0) = max(S - 1, 0).

    V is the price of a call and S that of its share, in units of the strike; t the time to expiry, in years. V(0, t) is
    0, V(2, t) is given (Black & Scholes, J. Political Economy 81, 1973). The payoff has a kink. Bachelier's price
    (1900), for a share whose changes have the same size at any S as at the strike, has the same kink: the network
    learns the difference of V from it, as a function of S, t and the distance of S from the strike in standard
    deviations.
    """

    volatility = pp.Coefficient(0.4, low=0.05, high=0.6, scale="log", doc="volatility of the share, year^(-1/2)")
    rate = pp.Coefficient(0.05, low=0.0, high=0.2, doc="interest rate, 1 / year")
    targets = pp.grid(volatility=[0.3, 0.2, 0.14, 0.1], rate=[0.0, 0.05, 0.1])
    inputs = ("S", "t")
    outputs = ("V",)
    points = pp.Points(domain=1024)
    tolerance = 1e-4
    hidden = (20, 20, 20)

    def geometry(self, c: pp.Coefficients) -> Any:
        return dde.geometry.GeometryXTime(dde.geometry.Interval(0, FAR), dde.geometry.TimeDomain(0, 1))

    def residual(self, x: Tensor, v: Tensor, c: pp.Coefficients) -> Tensor:
        share = x[:, 0:1]
        v_s = dde.grad.jacobian(v, x, j=0)
        v_t = dde.grad.jacobian(v, x, j=1)
        v_ss = dde.grad.hessian(v, x, i=0, j=0)
        return v_t - c.volatility**2 / 2 * share**2 * v_ss - c.rate * (share * v_s - v)

    def features(self, x: Tensor, c: pp.Coefficients) -> Tensor:
        share, time = x[:, 0:1], x[:, 1:2]
        deviations = (share - strike(time, c)) / deviation(time, c)
        return torch.cat([share - 1, 2 * time - 1, torch.tanh(deviations / 2)], dim=1)

    def transform(self, x: Tensor, y: Tensor, c: pp.Coefficients) -> Tensor:
        share, time = x[:, 0:1], x[:, 1:2]
        near, far = torch.zeros_like(share), torch.full_like(share, FAR)
        excess = bachelier(far, time, c) - black_scholes(far, time, c)
        at_ends = (1 - share / FAR) * bachelier(near, time, c) + share / FAR * excess
        return bachelier(share, time, c) - at_ends + c.volatility**2 * time * share * (FAR - share) * y

    def exact_conditions(self, geometry: Any, c: pp.Coefficients) -> list[Any]:
        return [
            dde.icbc.DirichletBC(geometry, lambda x: self.reference(x, c), lambda _, on_boundary: on_boundary),
            dde.icbc.IC(geometry, lambda x: np.maximum(x[:, 0:1] - 1, 0), lambda _, on_initial: on_initial),
        ]

    def reference(self, x: np.ndarray, c: pp.Coefficients) -> np.ndarray:
        return black_scholes(torch.from_numpy(x[:, 0:1]), torch.from_numpy(x[:, 1:2]), c).numpy()


def strike(time: Tensor, c: pp.Coefficients) -> Tensor:
    """Its present value."""
    return torch.exp(-c.rate * time)


def deviation(time: Tensor, c: pp.Coefficients) -> Tensor:
    """Standard deviation, up to expiry, of a share worth the strike."""
    return c.volatility * (time + 1e-18) ** 0.5  # differentiable at expiry too


def bachelier(share: Tensor, time: Tensor, c: pp.Coefficients) -> Tensor:
    """Price of a call if the share's changes do not depend on its price (Bachelier 1900)."""
    width = deviation(time, c)
    d = (share - strike(time, c)) / width
    density = torch.exp(-(d**2) / 2) / (2 * torch.pi) ** 0.5
    return width * (d * torch.special.ndtr(d) + density)


def black_scholes(share: Tensor, time: Tensor, c: pp.Coefficients) -> Tensor:
    """The solution."""
    width = deviation(time, c)
    d = (torch.log(share) + c.rate * time) / width
    return share * torch.special.ndtr(d + width / 2) - strike(time, c) * torch.special.ndtr(d - width / 2)
