"""The rule tables themselves."""

import re
import tomllib
from importlib import resources

import pytest
from ai_edge_litert import schema_py_generated as schema

from tflite_tools.delegates import DELEGATES
from tflite_tools.delegates.rules import load_rules
from tflite_tools.delegates.targets import find_target, load_targets
from tflite_tools.delegates.vocabulary import CHECKS
from tflite_tools.errors import ToolError

TABLES = [
    path.name
    for path in (resources.files("tflite_tools.delegates") / "rules").iterdir()
    if path.name.endswith(".toml")
]
OPERATORS = set(vars(schema.BuiltinOperator))
DTYPES = {name.lower() for name in vars(schema.TensorType)}
LINES = re.compile(r"\d+(-\d+)?(, \d+(-\d+)?)*")


def _table(name):
    path = resources.files("tflite_tools.delegates") / "rules" / name
    return tomllib.loads(path.read_text())


def _dtype_names(parameter):
    if isinstance(parameter, dict):
        return {name for value in parameter.values() for name in _dtype_names(value)}
    return set(parameter)


@pytest.mark.parametrize("name", TABLES)
def test_tables_hold_known_words_only(name):
    table = _table(name)
    seen = set()
    for rule in (*table["rules"], table.get("common", {"lines": "1"})):
        for checks in (rule, *rule.get("below", {}).values()):
            assert set(checks) - {"ops", "lines", "file", "below"} <= set(CHECKS)
        assert LINES.fullmatch(rule["lines"]), rule
        assert set(rule.get("ops", ())) <= OPERATORS
        assert not seen & set(rule.get("ops", ())), "an operator has two rules"
        seen |= set(rule.get("ops", ()))


def test_every_check_is_asked_for():
    asked = set()
    for name in TABLES:
        table = _table(name)
        for rule in (*table["rules"], table.get("common", {})):
            for checks in (rule, *rule.get("below", {}).values()):
                asked |= set(checks)
    assert set(CHECKS) <= asked


@pytest.mark.parametrize("delegate", DELEGATES)
def test_rules_name_types_of_the_schema(delegate):
    for rules in load_rules(delegate).by_op.values():
        for rule in rules:
            for check, parameter in rule.checks:
                if check.endswith("dtypes"):
                    assert _dtype_names(parameter) <= DTYPES


@pytest.mark.parametrize("delegate", DELEGATES)
def test_every_rule_names_its_source(delegate):
    rules = load_rules(delegate)
    repository, commit = rules.source.split("@")
    assert repository == "google-ai-edge/LiteRT"
    assert len(commit) == 40
    for asked in rules.by_op.values():
        for rule in asked:
            file, lines = rule.source.split(":")
            assert file.endswith((".cc", ".h"))
            assert LINES.fullmatch(lines)


def test_an_unknown_delegate_is_named():
    with pytest.raises(ToolError, match="delegate 'edgetpu' is unknown; there are xnnpack, gpu-"):
        load_rules("edgetpu")


def test_targets_name_delegates_that_exist():
    for target in load_targets().values():
        assert target.delegates
        for attempt in target.attempts:
            assert attempt.delegate in target.delegates
            assert attempt.precision in ("float32", "float16", "int8")
        assert any("deprecated" in warning for warning in target.warnings)


def test_the_papers_phones_are_there():
    assert set(load_targets()) == {
        "snapdragon-855",
        "kirin-980",
        "snapdragon-710",
        "generic-android",
    }
    assert find_target("snapdragon-855").npu == "Hexagon 690 DSP"


def test_an_unknown_target_is_named():
    with pytest.raises(ToolError, match="target 'pixel' is unknown; there are snapdragon-855, "):
        find_target("pixel")
