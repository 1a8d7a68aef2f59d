"""Field masks: `a.b,c(d,e/f)` parsed once, asked by whoever builds an answer, applied to JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amo2gsheet.sandbox.sheets_errors import bad_mask, invalid


class Mask:
    """Which parts of a JSON object are wanted. Without parts of its own it wants everything below."""

    def __init__(self, parts: dict[str, Mask] | None = None) -> None:
        """Take the wanted names; none mean everything."""
        self.parts = parts or {}

    @classmethod
    def parse(cls, text: str | None) -> Mask:
        """Read a mask; an absent one and `*` want everything.

        Raises:
            ApiError: the brackets do not close, or a name is empty.
        """
        if text is None or text.strip() == "*":
            return cls()
        mask = cls()
        rest = _read_list(mask, text.replace(" ", "").replace("/", "."), text)
        if rest:
            raise bad_mask(text)
        return mask

    def below(self, *names: str) -> Mask | None:
        """Return the mask of a part, or None where that part is not wanted."""
        mask: Mask | None = self
        for name in names:
            if mask is None or not mask.parts:
                return mask
            mask = mask.parts.get(name) or mask.parts.get("*")
        return mask

    def wants(self, *names: str) -> bool:
        """Tell whether anything of that part is wanted."""
        return self.below(*names) is not None

    def keep(self, value: Any) -> Any:
        """Return the wanted parts of a JSON value."""
        if not self.parts:
            return value
        if isinstance(value, list):
            return [self.keep(item) for item in value]
        if not isinstance(value, dict):
            return value
        wanted = ((name, item, self.below(name)) for name, item in value.items())
        return {name: mask.keep(item) for name, item, mask in wanted if mask is not None}

    def paths(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """Yield every path the mask names, in order."""
        if not self.parts:
            yield prefix
        for name, mask in self.parts.items():
            yield from mask.paths((*prefix, name))


def update_paths(fields: str | None, root: str | None = None) -> list[tuple[str, ...]]:
    """Return the paths of an update's mask; `("*",)` stands for everything.

    Args:
        fields: the mask as sent.
        root: a leading name that clients may write or leave out, as in `properties.title`.

    Raises:
        ApiError: the mask is absent or empty.
    """
    if not fields or not fields.strip():
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    if fields.strip() == "*":
        return [("*",)]
    paths = list(Mask.parse(fields).paths())
    return [path[1:] or ("*",) if root and path[0] == root else path for path in paths]


def _read_list(mask: Mask, text: str, whole: str) -> str:
    while True:
        end = next((place for place, letter in enumerate(text) if letter in ",()"), len(text))
        names, text = text[:end].split("."), text[end:]
        if not all(names):
            raise bad_mask(whole)
        leaf = mask
        for name in names:
            leaf = leaf.parts.setdefault(name, Mask())
        if text.startswith("("):
            text = _read_list(leaf, text[1:], whole)
            if not text.startswith(")"):
                raise bad_mask(whole)
            text = text[1:]
        if not text.startswith(","):
            return text
        text = text[1:]
