"""What the tests of the paper's baselines share: a task, even attention, and a method's penalty by itself."""

import torch

from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.transfer.methods import TransferMethod
from tests.toys import wave

TASK = wave(0.4).to(torch.float64)


def even(masked: MaskedNetwork) -> dict[str, torch.Tensor]:
    return {"0": torch.full((8,), 1 / 8, dtype=torch.float64)}


def penalty_of(method: TransferMethod, z: torch.Tensor) -> float:
    batch = TASK.everything()
    with_it, without = (method.objective(TASK, strength).penalised(z, batch) for strength in (1.0, 0.0))
    return float(with_it - without)
