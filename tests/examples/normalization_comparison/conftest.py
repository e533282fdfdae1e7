"""A comparison as small as one can be, and runs as they come out of it."""

import dataclasses

import pytest
from normalization_comparison.runs import Run
from normalization_comparison.setting import Setting

SETTING = Setting(
    data="characters",
    model="finet_small",
    backend="tensorflow",
    train_images=90,
    test_images=70,
    epochs=2,
    batch=16,
    optimizer="sgd",
    learning_rate=0.1,
    shift=3,
    image_size=32,
    stem="cifar",
)


@pytest.fixture
def setting():
    return SETTING


@pytest.fixture
def make_run(setting):
    def make(variant="bn", seed=0, top1=0.5, **changes):
        run = Run(
            setting=setting,
            variant=variant,
            seed=seed,
            parameters=1000,
            loss=[4.0, 3.0],
            top1=[top1 / 2, top1],
            images_per_second=100.0,
            step_mib=None,
            device="a processor",
            images_sha256="0",
            versions={"keras": "3.15"},
            at_once=1,
        )
        return dataclasses.replace(run, **changes)

    return make
