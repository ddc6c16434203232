"""Networks after the first steps of PAC, shared by the tests of this room."""

from __future__ import annotations

import pacpinn as pp
from tests.toys import Decay, batchnorm_network, wave


def decay():
    return pp.PAC(Decay().initial_network(0)), Decay().task(k=1.0), Decay().task(k=1.5)


def batchnorm():
    return pp.PAC(batchnorm_network()), wave(0.0), wave(0.5)


def allocated(kind, keep=0.5):
    """A network after the first two of the three steps, with its source and a target."""
    pac, source, target = kind()
    pac.fit(source, pp.Adam(steps=20))
    pac.prune(keep)
    pac.allocate(source, pp.Adam(steps=20))
    return pac, source, target
