"""The tables of TFLite's model metadata, which Android's libraries read.

From tensorflow/lite/support/metadata/metadata_schema.fbs of
https://github.com/tensorflow/tflite-support, schema version 1.5.0. A field's place in its table
is its number in the binary form, so their order must never change; a union takes two places.
"""

IDENTIFIER = b"M001"
ROOT = "ModelMetadata"
# The version that introduced the newest of the fields written here: they are all as old as the
# identifier.
MIN_PARSER_VERSION = "1.0.0"

# Values are numbered from 0.
ENUMS = {
    "AssociatedFileType": (
        "UNKNOWN",
        "DESCRIPTIONS",
        "TENSOR_AXIS_LABELS",
        "TENSOR_VALUE_LABELS",
        "TENSOR_AXIS_SCORE_CALIBRATION",
        "VOCABULARY",
        "SCANN_INDEX_FILE",
    ),
    "ColorSpaceType": ("UNKNOWN", "RGB", "GRAYSCALE"),
    "BoundingBoxType": ("UNKNOWN", "BOUNDARIES", "UPPER_LEFT", "CENTER"),
    "CoordinateType": ("RATIO", "PIXEL"),
    "ScoreTransformationType": ("IDENTITY", "LOG", "INVERSE_LOGISTIC"),
}

# Members are numbered from 1; 0 says that there is none.
UNIONS = {
    "ContentProperties": (
        "FeatureProperties",
        "ImageProperties",
        "BoundingBoxProperties",
        "AudioProperties",
    ),
    "ProcessUnitOptions": (
        "NormalizationOptions",
        "ScoreCalibrationOptions",
        "ScoreThresholdingOptions",
        "BertTokenizerOptions",
        "SentencePieceTokenizerOptions",
        "RegexTokenizerOptions",
    ),
}

# By table, its fields in order: name and type. [T] is a vector of T.
TABLES: dict[str, dict[str, str]] = {
    "AssociatedFile": {
        "name": "string",
        "description": "string",
        "type": "AssociatedFileType",
        "locale": "string",
        "version": "string",
    },
    "FeatureProperties": {},
    "ImageSize": {"width": "uint", "height": "uint"},
    "ImageProperties": {"color_space": "ColorSpaceType", "default_size": "ImageSize"},
    "AudioProperties": {"sample_rate": "uint", "channels": "uint"},
    "BoundingBoxProperties": {
        "index": "[uint]",
        "type": "BoundingBoxType",
        "coordinate_type": "CoordinateType",
    },
    "ValueRange": {"min": "int", "max": "int"},
    "Content": {"content_properties": "ContentProperties", "range": "ValueRange"},
    "NormalizationOptions": {"mean": "[float]", "std": "[float]"},
    "ScoreCalibrationOptions": {
        "score_transformation": "ScoreTransformationType",
        "default_score": "float",
    },
    "ScoreThresholdingOptions": {"global_score_threshold": "float"},
    "BertTokenizerOptions": {"vocab_file": "[AssociatedFile]"},
    "SentencePieceTokenizerOptions": {
        "sentencePiece_model": "[AssociatedFile]",
        "vocab_file": "[AssociatedFile]",
    },
    "RegexTokenizerOptions": {"delim_regex_pattern": "string", "vocab_file": "[AssociatedFile]"},
    "ProcessUnit": {"options": "ProcessUnitOptions"},
    "Stats": {"max": "[float]", "min": "[float]"},
    "TensorGroup": {"name": "string", "tensor_names": "[string]"},
    "TensorMetadata": {
        "name": "string",
        "description": "string",
        "dimension_names": "[string]",
        "content": "Content",
        "process_units": "[ProcessUnit]",
        "stats": "Stats",
        "associated_files": "[AssociatedFile]",
    },
    "CustomMetadata": {"name": "string", "data": "[ubyte]"},
    "SubGraphMetadata": {
        "name": "string",
        "description": "string",
        "input_tensor_metadata": "[TensorMetadata]",
        "output_tensor_metadata": "[TensorMetadata]",
        "associated_files": "[AssociatedFile]",
        "input_process_units": "[ProcessUnit]",
        "output_process_units": "[ProcessUnit]",
        "input_tensor_groups": "[TensorGroup]",
        "output_tensor_groups": "[TensorGroup]",
        "custom_metadata": "[CustomMetadata]",
    },
    "ModelMetadata": {
        "name": "string",
        "description": "string",
        "version": "string",
        "subgraph_metadata": "[SubGraphMetadata]",
        "author": "string",
        "license": "string",
        "associated_files": "[AssociatedFile]",
        "min_parser_version": "string",
    },
}
