"""Variants' networks fused, converted and timed. Imports TensorFlow and LiteRT."""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from random_models import randomize_statistics

import keras_finet
import tflite_tools
from keras_finet.applications.image_input import MINIMUM_SIDE
from normalization_comparison.deployed import Deployed, Deployment
from normalization_comparison.networks import build
from normalization_comparison.setting import Setting, load
from normalization_comparison.variants import BASELINE
from tflite_tools.host import HostRecord
from tflite_tools.records import ConversionRecord

IMAGES = 64  # for the statistics of normalisations
ROUNDS = 40
SMOKE_ROUNDS = 3


def measure(setting: Setting, options: argparse.Namespace) -> Deployment:
    """Measures the variants and the baseline; the files are not kept.

    Their weights are not trained: operators, size and time do not depend on them.

    Args:
        setting: Names the network and the data.
        options: With `variants`, `train_images` and `smoke`.

    Raises:
        ToolError: for a network that cannot be converted.
    """
    variants = list(dict.fromkeys([BASELINE, *options.variants]))
    with tempfile.TemporaryDirectory() as folder:
        converted = [_converted(setting, variant, options, Path(folder)) for variant in variants]
        rounds = SMOKE_ROUNDS if options.smoke else ROUNDS
        report = tflite_tools.benchmark_host([each.file for each in converted], rounds=rounds)
    machine = f"{report.machine.cpu}, LiteRT {report.machine.litert}"
    parts = zip(variants, converted, report.records, strict=True)
    return Deployment(machine, rounds, tuple(_row(*each) for each in parts))


def _converted(
    setting: Setting, variant: str, options: argparse.Namespace, folder: Path
) -> ConversionRecord:
    # Files have a fixed size, and builders a smallest one.
    times = -(-MINIMUM_SIDE // setting.image_size)
    setting = dataclasses.replace(setting, image_size=times * setting.image_size)
    data = load(setting.data, options.train_images)
    images = data.train_images[:IMAGES].repeat(times, 1).repeat(times, 2)
    images = keras_finet.preprocess_input(images.astype(np.float32))
    model = build(setting, variant, len(data.class_names), seed=0)
    randomize_statistics(model, images)
    return tflite_tools.convert(model, folder, inputs=images, name=variant).records[0]


def _row(variant: str, file: ConversionRecord, timed: HostRecord) -> Deployed:
    one_bit = file.one_bit
    saved = None if one_bit is None else one_bit.stored_bytes - one_bit.packed_bytes
    return Deployed(
        variant=variant,
        ops=file.ops,
        size_bytes=file.size_bytes,
        packed_bytes=None if saved is None else file.size_bytes - saved,
        median_ms=timed.median_ms,
        ratio=timed.ratio,
        ratio_spread=timed.ratio_spread,
    )
