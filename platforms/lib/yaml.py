"""Prints values as YAML in the block style that kubectl uses, with sorted keys."""

import json
import re

# Plain only where no YAML reader, of version 1.1 or 1.2, could take the text for anything but a string.
_PLAIN = re.compile(r"[A-Za-z_/(][A-Za-z0-9_./:@=,+()*<>\[\]{}$;'\"?-]*( [A-Za-z0-9_./:@=,+()*<>\[\]{}$;'\"?-]+)*\Z")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"}


def document(value):
    """The value as a document."""
    return "".join(f"{line}\n" for line in _block(value))


def _block(value):
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _entry(f"{_scalar(key)}:", value[key])
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = _block(item)
            yield f"- {first}"
            yield from (f"  {line}" if line else line for line in rest)
    else:
        yield _scalar(value)


def _entry(head, value):
    if isinstance(value, str) and "\n" in value:
        yield f"{head} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (f"  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    elif isinstance(value, dict) and value:
        yield head
        yield from (f"  {line}" if line else line for line in _block(value))
    elif isinstance(value, list) and value:
        yield head
        yield from _block(value)
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value):
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS and ": " not in value and not value.endswith(":")
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
