"""Reads one YAML file into plain values, with the line of each fault; a key given twice is a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


class YamlFaultError(ValueError):
    """The file is no YAML of plain values; the text names line and fault."""


class _Loader(yaml.SafeLoader):
    """Plain values only, keys once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Build a mapping as PyYAML does, but refuse what it would silently overwrite."""
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            raise yaml.MarkedYAMLError(problem="a key stands twice", problem_mark=node.start_mark)
        return mapping


def read_yaml(path: Path) -> Any:
    """Read a file; `YamlFaultError` says where it is none. Texts that YAML takes for dates stay texts."""
    try:
        return yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlFaultError(f"{line}{error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise YamlFaultError(str(error).partition("\n")[0]) from None
    except (AttributeError, KeyError, TypeError):  # PyYAML's own, for `!!bool x` and the like
        raise YamlFaultError("a tag does not fit its value") from None
    except RecursionError:
        raise YamlFaultError("lists and mappings are nested too deeply") from None


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
