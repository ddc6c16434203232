"""Symmetric products and Cholesky factors: those of torch, for any layout."""

import pytest
import torch

from pacpinn.runtime.blas import cholesky, gram, gram_of_parts


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(7, 5), (5, 7), (1, 3), (4, 1), (1, 6, 5), (3, 6, 5)])
@pytest.mark.parametrize("transposed", [False, True])
def test_the_gram_matrix(shape, transposed):
    a = random(*shape)
    a = a.mT if transposed else a
    torch.testing.assert_close(gram(a).tril(), (a.mT @ a).tril())


def test_a_strided_matrix_and_single_precision():
    a = random(9, 12)
    torch.testing.assert_close(gram(a[:, ::3]).tril(), (a[:, ::3].T @ a[:, ::3]).tril())
    torch.testing.assert_close(gram(a.float()).tril(), (a.float().T @ a.float()).tril())


def test_the_sum_over_parts_is_the_whole():
    a = random(20, 6)
    parts = (part.clone() for part in a.split(7))
    torch.testing.assert_close(gram_of_parts(parts).tril(), (a.T @ a).tril())
    torch.testing.assert_close(gram_of_parts(a.T.contiguous().T.split(7)).tril(), (a.T @ a).tril())


@pytest.mark.parametrize("lead", [(), (1,), (3,)])
def test_the_cholesky_factor_reads_the_lower_triangle_alone(lead):
    a = random(*lead, 8, 5)
    whole = a.mT @ a
    lower = whole.tril() + 9.0 * torch.ones(5, 5).triu(1)
    factor = cholesky(lower)
    torch.testing.assert_close(factor.tril(), torch.linalg.cholesky(whole))
    torch.testing.assert_close(lower.tril(), whole.tril())  # what is given stays


def test_a_matrix_without_a_factor_gives_nan_and_the_others_their_own():
    matrices = torch.stack([torch.eye(3), -torch.eye(3)]).double()
    found = cholesky(matrices)
    torch.testing.assert_close(found[0].tril(), torch.eye(3).double())
    assert found[1].isnan().all()


def test_the_number_of_threads_changes_nothing():
    a, before = random(300, 200), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append((gram(a).tril(), cholesky(gram(a)).tril()))
    finally:
        torch.set_num_threads(before)
    assert all(one.equal(other) for one, other in zip(*found, strict=True))
