"""Fine-grained batch normalisation and its gradients in NumPy, float64, straight from eq. 4.

Nothing here comes from the package: one group after another, one kernel position after another,
and the textbook gradient of a normalisation.
"""

from typing import NamedTuple

import numpy as np


class Convolution(NamedTuple):
    """Strides, padding and dilation of a channels-last convolution."""

    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation: tuple[int, int] = (1, 1)


class Step(NamedTuple):
    """What one training step gives."""

    outputs: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    d_inputs: np.ndarray
    d_kernel: np.ndarray
    d_gamma: np.ndarray
    d_beta: np.ndarray


def split(channels: int, groups: int) -> list[slice]:
    """Slices of `channels` as equal as possible, larger ones first."""
    sizes = [channels // groups + (group < channels % groups) for group in range(groups)]
    ends = np.cumsum(sizes)
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


def _geometry(size, kernel, stride, dilation, padding):
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        return (size - reach) // stride + 1, 0, 0
    out = -(-size // stride)
    total = max((out - 1) * stride + reach - size, 0)
    return out, total // 2, total - total // 2


def _windows(inputs, kernel_size, conv):
    """Yields kernel position and the slice of the padded input that it multiplies."""
    (rows, *row_pad), (columns, *column_pad) = (
        _geometry(
            inputs.shape[1 + axis],
            kernel_size[axis],
            conv.strides[axis],
            conv.dilation[axis],
            conv.padding,
        )
        for axis in (0, 1)
    )
    pads = ((0, 0), tuple(row_pad), tuple(column_pad), (0, 0))
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            top, left = i * conv.dilation[0], j * conv.dilation[1]
            yield (
                (i, j),
                pads,
                (
                    slice(None),
                    slice(top, top + (rows - 1) * conv.strides[0] + 1, conv.strides[0]),
                    slice(left, left + (columns - 1) * conv.strides[1] + 1, conv.strides[1]),
                    slice(None),
                ),
            )


def convolve(inputs, kernel, conv):
    """Plain convolution of `(N, H, W, C)` with `(kh, kw, C, F)`."""
    return sum(
        np.pad(inputs, pads)[window] @ kernel[position]
        for position, pads, window in _windows(inputs, kernel.shape[:2], conv)
    )


def convolve_gradients(inputs, kernel, conv, upstream):
    """Gradients of `sum(convolve(...) * upstream)` for the inputs and the kernel."""
    d_kernel = np.zeros_like(kernel)
    d_padded = None
    for position, pads, window in _windows(inputs, kernel.shape[:2], conv):
        padded = np.pad(inputs, pads)
        d_padded = np.zeros_like(padded) if d_padded is None else d_padded
        d_kernel[position] = np.tensordot(padded[window], upstream, ((0, 1, 2), (0, 1, 2)))
        d_padded[window] += upstream @ kernel[position].T
    top, left = pads[1][0], pads[2][0]
    return d_padded[:, top : top + inputs.shape[1], left : left + inputs.shape[2]], d_kernel


def training_step(inputs, kernel, gamma, beta, epsilon, conv, upstream):
    """Equation 4 with the batch's own statistics, and the gradients of `sum(out * upstream)`."""
    inputs, kernel, gamma, beta, upstream = (
        np.asarray(array, "float64") for array in (inputs, kernel, gamma, beta, upstream)
    )
    outputs, means, variances = 0.0, [], []
    d_inputs, d_kernel = np.zeros_like(inputs), np.zeros_like(kernel)
    d_gamma, d_beta = np.zeros_like(gamma), np.zeros_like(beta)
    for group, channels in enumerate(split(inputs.shape[-1], len(gamma))):
        x, w = inputs[..., channels], kernel[:, :, channels]
        y = convolve(x, w, conv)
        mean, variance = y.mean((0, 1, 2)), y.var((0, 1, 2))
        root = np.sqrt(variance + epsilon)
        normal = (y - mean) / root
        outputs = outputs + gamma[group] * normal + beta[group]
        means.append(mean)
        variances.append(variance)
        d_beta[group] = upstream.sum((0, 1, 2))
        d_gamma[group] = (upstream * normal).sum((0, 1, 2))
        centred = upstream - upstream.mean((0, 1, 2)) - normal * (upstream * normal).mean((0, 1, 2))
        d_inputs[..., channels], d_kernel[:, :, channels] = convolve_gradients(
            x, w, conv, centred * gamma[group] / root
        )
    return Step(outputs, np.stack(means), np.stack(variances), d_inputs, d_kernel, d_gamma, d_beta)


def inference(inputs, kernel, gamma, beta, mean, variance, epsilon, conv):
    """Equation 8 as it stands: normalise every group's partial sum by constants, then add."""
    inputs, kernel, gamma, beta, mean, variance = (
        np.asarray(array, "float64") for array in (inputs, kernel, gamma, beta, mean, variance)
    )
    return sum(
        gamma[group]
        * (convolve(inputs[..., channels], kernel[:, :, channels], conv) - mean[group])
        / np.sqrt(variance[group] + epsilon)
        + beta[group]
        for group, channels in enumerate(split(inputs.shape[-1], len(gamma)))
    )
