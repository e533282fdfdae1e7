"""The deployment of what a recipe has just trained."""

from __future__ import annotations

from recipe.building import network_arguments
from recipe.deployment.card import Card
from recipe.deployment.data import DeploymentData
from recipe.deployment.finite import finite
from recipe.deployment.scores import TOP
from recipe.deployment.steps import deploy
from recipe.engine import TrainingResult
from recipe.settings import MODELS
from recipe.teacher import Teacher


def deploy_trained(result: TrainingResult, devices: str) -> Card:
    """Deploys what `recipe.engine.train` returned.

    Args:
        result: The trained model, its recipe and its data.
        devices: What it was trained on, for the card.
    """
    recipe = result.recipe
    builder, _ = MODELS[recipe.model]
    data = DeploymentData(recipe, result.source)
    last = finite(result.history[-1])
    if len(data.class_names) <= TOP:  # as in the scores: it says nothing
        last |= {"top5": None, "val_top5": None}
    return deploy(
        result.file,
        data,
        network={
            "name": recipe.model,
            "builder": builder,
            "arguments": network_arguments(recipe),
        },
        recipe={**recipe.as_json(), "dataset": data.describe()["name"]},
        training={
            "devices": devices,
            "last_epoch": last,
            **_taught_by(result.teacher),
        },
    )


def _taught_by(teacher: Teacher | None) -> dict[str, dict[str, str]]:
    if teacher is None:
        return {}
    return {"teacher": {"file": teacher.file.name, "sha256": teacher.sha256}}
