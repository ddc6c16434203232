"""What the steady flows share: the incompressible Navier-Stokes equations in the plane, and walls."""

import deepxde as dde

import pacpinn as pp


class Flow(pp.Equation):
    """u · ∇u + ∇p = nu lap u, div u = 0."""

    inputs, outputs = ("x", "y"), ("u", "v", "p")
    points = pp.Points(domain=1024, boundary=256)

    def viscosity(self, c):
        raise NotImplementedError

    def residual(self, x, w, c):
        u, v, nu = w[:, :1], w[:, 1:2], self.viscosity(c)

        def d(i, j):
            return dde.grad.jacobian(w, x, i=i, j=j)

        def momentum(i):
            laplacian = sum(dde.grad.hessian(w, x, component=i, i=j, j=j) for j in (0, 1))
            return u * d(i, 0) + v * d(i, 1) + d(2, i) - nu * laplacian

        return [momentum(0), momentum(1), d(0, 0) + d(1, 1)]


def velocity(geometry, part, along=lambda x: 0):
    """The two conditions of a part of the boundary at which the flow is horizontal, with the speed ``along(x)``."""
    return [
        dde.icbc.DirichletBC(geometry, along, part, component=0),
        dde.icbc.DirichletBC(geometry, lambda x: 0, part, component=1),
    ]
