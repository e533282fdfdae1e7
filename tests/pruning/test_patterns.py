"""Masks against loops over single weights."""

import numpy as np
import pytest

from keras_finet.pruning.patterns import NOfM, Share, read_pattern


def kernel_of(shape, seed=0):
    # No two magnitudes are equal, so that there is one right answer.
    rng = np.random.default_rng(seed)
    magnitudes = rng.permutation(np.arange(1, np.prod(shape) + 1)) / 7
    return (magnitudes * rng.choice([-1, 1], magnitudes.shape)).reshape(shape).astype("float32")


def kept_rows(kernel, kept, m):
    """Every row of `m` weights along the input channels, and what is kept of it."""
    for *place, column in np.ndindex(*kernel.shape[:-2], kernel.shape[-1]):
        for start in range(0, kernel.shape[-2], m):
            row = (*place, slice(start, start + m), column)
            yield np.abs(kernel[row]), kept[row]


@pytest.mark.parametrize(("shape", "share"), [((3, 3, 5, 7), 0.5), ((30, 11), 0.9), ((4, 4), 0.1)])
def test_a_share_of_the_smallest_goes(shape, share):
    kernel = kernel_of(shape)
    kept = Share(share).mask(kernel, 1.0)
    dropped = round(share * kernel.size)
    threshold = sorted(abs(weight) for weight in kernel.flat)[dropped]
    assert kept.shape == shape
    assert np.count_nonzero(~kept) == dropped
    assert np.abs(kernel[kept]).min() == threshold > np.abs(kernel[~kept]).max()


@pytest.mark.parametrize("shape", [(3, 3, 8, 5), (1, 1, 30, 6), (10, 4), (3, 2, 1, 4)])
@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (3, 8)])
def test_n_of_m_along_the_input_channels(shape, n, m):
    kernel = kernel_of(shape)
    kept = NOfM(n, m).mask(kernel, 1.0)
    assert kept.shape == shape
    for magnitudes, row in kept_rows(kernel, kept, m):
        largest = sorted(magnitudes)[-n:]
        assert sorted(magnitudes[row]) == largest


def test_half_of_the_way_drops_half():
    kernel = kernel_of((3, 3, 8, 4))
    assert np.count_nonzero(~Share(0.5).mask(kernel, 0.5)) == kernel.size // 4
    assert np.count_nonzero(~NOfM(2, 4).mask(kernel, 0.5)) == kernel.size // 4


def test_ties_still_give_the_exact_count():
    same = np.ones((2, 2, 8, 4), "float32")
    assert np.count_nonzero(~Share(0.3).mask(same, 1.0)) == round(0.3 * same.size)
    assert np.count_nonzero(~NOfM(2, 4).mask(same, 1.0)) == same.size // 2


def test_what_a_sparsity_means():
    assert read_pattern(0.25) == Share(0.25)
    assert read_pattern("2:4") == NOfM(2, 4)
    assert read_pattern("4:16") == NOfM(4, 16)


@pytest.mark.parametrize(
    "sparsity", [0, 1, 1.5, -0.1, float("nan"), True, None, "half", "4:4", "0:4", "4:2", "2:4 "]
)
def test_others_are_refused(sparsity):
    with pytest.raises(ValueError, match=r"a share between 0 and 1, or a pattern such as '2:4'"):
        read_pattern(sparsity)
