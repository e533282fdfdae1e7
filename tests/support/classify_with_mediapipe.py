"""Classifies an image with MediaPipe Tasks; run by a Python that has mediapipe and nothing of ours.

    python classify_with_mediapipe.py IMAGE.npy MODEL.tflite...

Prints, by file, the scores by label or the error, and the metadata that MediaPipe's schema reads.
"""

import json
import sys
from pathlib import Path

import mediapipe as mp
import numpy as np
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.metadata import schema_py_generated as tflite_schema
from mediapipe.tasks.python import BaseOptions, vision


def classify(path, image):
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=path), max_results=-1
    )
    with vision.ImageClassifier.create_from_options(options) as classifier:
        (found,) = classifier.classify(image).classifications
    return {category.category_name: category.score for category in found.categories}


def read(path):
    content = Path(path).read_bytes()
    model = tflite_schema.ModelT.InitFromObj(tflite_schema.Model.GetRootAs(content))
    (entry,) = (entry for entry in model.metadata if entry.name == b"TFLITE_METADATA")
    buffer = bytes(model.buffers[entry.buffer].data)
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(buffer, 0)
    metadata = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAs(buffer))
    (graph,) = metadata.subgraphMetadata
    (tensor,), (scores,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    normalization = tensor.processUnits[0].options
    return {
        "name": metadata.name.decode(),
        "license": metadata.license.decode(),
        "parser": metadata.minParserVersion.decode(),
        "mean": list(map(float, normalization.mean)),
        "std": list(map(float, normalization.std)),
        "min": list(map(float, tensor.stats.min)),
        "rgb": tensor.content.contentProperties.colorSpace == schema.ColorSpaceType.RGB,
        "labels": [
            file.name.decode()
            for file in scores.associatedFiles
            if file.type == schema.AssociatedFileType.TENSOR_AXIS_LABELS
        ],
    }


def main():
    pixels, *files = sys.argv[1:]
    image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.load(pixels))
    results = {}
    for path in files:
        results[path] = {"metadata": read(path)}
        try:
            results[path]["scores"] = classify(path, image)
        except (NotImplementedError, OSError, RuntimeError, ValueError) as error:
            results[path]["error"] = str(error)
    print(json.dumps(results))


main()
