"""Read, complete and check a configuration; every fault is one sentence that names the key."""

from __future__ import annotations

import copy
import difflib
import functools
import json
import math
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from scripts.lib.code import data_file
from scripts.lib.errors import UserError
from scripts.registry.references import check_references

Config = dict[str, Any]
QUOTE = "put quotes around it, since YAML reads no, on, 1.10 and 2024-01-01 as other things than text"


class _UniqueKeys(yaml.CSafeLoader):
    """YAML lets a later key replace an earlier one of the same name; two things with one name are a mistake here."""


def _unique_mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        place = f"{Path(node.start_mark.name).name}, line {key_node.start_mark.line + 1}"
        if not isinstance(key, Hashable):
            raise UserError(f"{place}: a list or mapping (in brackets or braces) stands as a name; put it in quotes.")
        if key in seen:
            raise UserError(f"{place}: the name {key!r} is given twice; rename or remove one.")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def read_yaml(path: Path) -> Any:
    """Read a YAML file; raises UserError for broken YAML and for a key that stands twice in one mapping."""
    try:
        with path.open(encoding="utf-8") as stream:
            return yaml.load(stream, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise UserError(f"{path.name}{line} is not valid YAML: {problem}; mend the syntax.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def read_json(path: Path) -> Any:
    """Read a JSON file; raises UserError for broken JSON and for a key that stands twice in one object."""

    def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise UserError(f"{path.name}: the name {key!r} is given twice; rename or remove one.")
            found[key] = value
        return found

    try:
        return json.loads(path.read_text("utf-8"), object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise UserError(f"{path.name}, line {error.lineno} is not valid JSON: {error.msg}; mend the syntax.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read ({error}); check the path and the encoding (UTF-8).")


@functools.cache
def schema() -> Mapping[str, Any]:
    """Return the schema of the configuration (config.schema.yaml)."""
    loaded: Mapping[str, Any] = read_yaml(data_file("config.schema.yaml"))
    return loaded


def complete_config(given: Mapping[str, Any], folder: Path) -> Config:
    """Return the configuration with every default filled in; raises UserError at the first fault.

    `folder` is where relative local paths start.
    """
    config = _complete(schema(), copy.deepcopy(dict(given)))
    _require_finite(config, ())
    errors = list(Draft202012Validator(schema()).iter_errors(config))
    if errors:
        raise UserError(_sentence(_within(best_match(errors))))
    check_references(config, folder)
    return dict(config)


def _resolve(part: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    target: Mapping[str, Any] = schema()["$defs"][reference.rpartition("/")[2]]
    return {**target, **{key: value for key, value in part.items() if key != "$ref"}}


def _complete(part: Mapping[str, Any], value: Any) -> Any:
    """Fill in defaults below `value`; read numbers that YAML took for text (1e-4), and 2.0 as 2 where that is asked for."""
    part = _resolve(part)
    if "anyOf" in part:
        part = _resolve(next((one for one in part["anyOf"] if _fits(one, value)), part["anyOf"][0]))
    whole = part.get("type") in ("integer", ["integer", "null"])
    if isinstance(value, str) and (whole or part.get("type") in ("number", ["number", "null"])):
        value = _number(value)
    if isinstance(value, float) and value.is_integer() and whole:
        return int(value)
    if isinstance(value, dict):
        value = dict(value)  # an alias of YAML is one mapping in several places, which may have other defaults
        properties = part.get("properties", {})
        for name, below in properties.items():
            if name not in value and "default" in _resolve(below):
                value[name] = copy.deepcopy(_resolve(below)["default"])
        others = part.get("additionalProperties")
        for name in value:
            below = properties.get(name, others if isinstance(others, dict) else None)
            if below is not None:
                value[name] = _complete(below, value[name])
    if isinstance(value, list) and "items" in part:
        return [_complete(part["items"], item) for item in value]
    return value


def _fits(part: Mapping[str, Any], value: Any) -> bool:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return _resolve(part).get("type") == kinds.get(type(value), "number")


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _require_finite(value: Any, keys: tuple[str, ...]) -> None:
    """Raise UserError for an infinity or NaN: no bound of the schema is above them, and no settings can hold them."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{'.'.join(keys)} is {value}, but it must be a finite number.")
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            _require_finite(below, (*keys, str(key)))


def _within(error: ValidationError) -> ValidationError:
    """Return the fault in the one of several forms that a value is meant to have, by its type; or that it has none of them."""
    while error.validator == "anyOf":
        forms: Any = error.validator_value
        meant = next((number for number, form in enumerate(forms) if _fits(form, error.instance)), None)
        below = [one for one in error.context or [] if one.relative_schema_path[0] == meant]
        if not below:
            break
        error = best_match(below)
    return error


def _sentence(error: ValidationError) -> str:
    """Say what is wrong with the configuration at one place, and what would be right."""
    place = ".".join(str(key) for key in error.absolute_path) or "the configuration"
    if "propertyNames" in error.absolute_schema_path:
        return _wrong_name(place, error.instance)
    rule = str(error.validator)
    expected: Any = error.validator_value
    if rule == "additionalProperties":
        return _unknown_key(place, error.schema, error.instance)
    if rule == "required":
        given: Any = error.instance
        missing = [name for name in expected if name not in given]
        return f"{place} lacks the key {missing[0]!r}; add it (see docs/config.md)."
    if rule == "type":
        wanted = " or ".join(expected) if isinstance(expected, list) else expected
        quoted = f"; {QUOTE}" if "string" in expected and isinstance(error.instance, bool | int | float | date) else ""
        return f"{place} is {_shown(error.instance)}, but it must be of type {wanted}{quoted}."
    if rule == "anyOf":
        kinds = " or ".join(str(_resolve(form)["type"]) for form in expected)
        return f"{place} is {_shown(error.instance)}, but it must be of type {kinds}."
    if rule == "uniqueItems":
        return f"{place} is {_shown(error.instance)}, but nothing may stand in it twice; remove one."
    if rule == "enum":
        known = ", ".join("null" if value is None else str(value) for value in expected)
        return f"{place} is {_shown(error.instance)}; choose one of {known}."
    bounds = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "above",
        "exclusiveMaximum": "below",
        "minItems": "of length at least",
        "minLength": "of length at least",
        "minProperties": "of size at least",
        "pattern": "of the form",
    }
    if rule in bounds:
        return f"{place} is {_shown(error.instance)}, but it must be {bounds[rule]} {expected}."
    return f"{place} is {_shown(error.instance)}, which is none of the forms allowed there (see docs/config.md)."


def _wrong_name(place: str, name: Any) -> str:
    if not isinstance(name, str):
        return f"{place} has the name {_shown(name)}, which is no text; {QUOTE}."
    return f"The name {name!r} may only have lower-case letters, digits, '_' and '-', at most 64; rename it."


def _unknown_key(place: str, part: Any, value: Any) -> str:
    known = sorted(part.get("properties", {}))
    unknown = next(name for name in value if name not in known)
    near = difflib.get_close_matches(str(unknown), known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}."
    return f"{place} has the unknown key {unknown!r}; {hint}"


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_config(path: Path) -> Config:
    """Read a file of a configuration, JSON or YAML. Raises UserError unless it has keys at the top, none of them twice."""
    read = read_json(path) if path.suffix == ".json" else read_yaml(path)
    if not isinstance(read, dict):
        raise UserError(f"{path.name} has no keys at its top level; write a configuration (see docs/config.md).")
    return read


def check_files(paths: Sequence[str | Path]) -> None:
    """Check the files that a configuration is read from."""
    for path in map(Path, paths):
        read_config(path)
