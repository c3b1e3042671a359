"""Settings from a YAML or JSON file, `--config FILE`."""

import json
import re
import types
import typing
from pathlib import Path
from typing import Any

from tfdvae._utils import checks
from tfdvae.cli import flags

IGNORED = ("origin",)  # what `config.json` of a run says besides its settings

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
}


def read(path: str, settings: type) -> dict[str, Any]:
    """Return the settings that a file gives, by their flat names.

    Args:
        path: YAML or JSON, one mapping from names to values.
        settings: dataclass whose settings it may give.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file cannot be read, holds no mapping or an unknown name (the nearest names
            are suggested).
        TypeError: a value of the wrong type.
    """
    file = Path(checks.text("config", path)).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"`config` {path} is not a file.")
    try:
        found = _parsed(file.read_text(encoding="utf-8"))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"`config` {path} is neither YAML nor JSON: {reason}") from None
    if not isinstance(found, dict):
        raise ValueError(f"`config` {path} must hold names and values, such as `epochs: 20`.")
    kinds = flags.types(settings)
    values = {}
    for written, value in found.items():
        name = str(written).replace("-", "_")
        if name not in IGNORED:
            checks.choice(f"setting in {path}", name, kinds)
            if name in values:
                raise ValueError(f"`config` {path} must hold each setting once; got {name} twice.")
            values[name] = _converted(value, kinds[name], f"`{name}` in {path}")
    return values


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML in which 1e-3 is a number, as it is in JSON."""

    number = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+.0123456789"))
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(error) from None


def _converted(value: Any, kind: Any, what: str) -> Any:
    """Return a value as the type that a setting has.

    Numbers become text where text is asked for, and one value becomes a list of one.

    Raises:
        TypeError: it cannot be one of that type.
    """
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(other for other in kinds if other is not type(None))
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    kind = float if number and float in kinds else kinds[-1]
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        items = value if isinstance(value, list) else [value]
        return tuple(_converted(item, inner, what) for item in items)
    if kind is float and number:
        return float(value)
    if kind is str and number:
        return str(value)
    if type(value) is kind:
        return value
    raise TypeError(f"{what} must be {_WORDS[kind]}; got {value!r}.")
