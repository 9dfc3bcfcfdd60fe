"""What to say about a file that can be read, but that no format takes for its own."""

from __future__ import annotations

import re

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files import others
from ganzfeld.networks.files.machine import Global
from ganzfeld.networks.files.source import Source
from ganzfeld.networks.files.survey import is_discriminator
from ganzfeld.networks.files.values import Array, Record


def refusal(source: Source, known: str) -> NetworkFileError:
    """The error for a file that can be read, but that no format takes for its own."""
    named = others.named(source.survey, [record.class_name for record in _records(source.content)])
    if named is not None:
        return named
    if (half := _half_a_generator(source)) is not None:
        return half
    modules = [(place, record) for place, record in source.survey.modules.items() if place.count(".") < 1]
    if modules:
        generators = [
            record for place, record in modules if not (is_discriminator(place) or "iscriminator" in record.class_name)
        ]
        if not generators:
            return no_generator()
        found = f"'{generators[0].class_name}'"
        parts = [record.class_name for place, record in modules if place.endswith("synthesis")]
        if parts:
            found += f" with a '{parts[0]}'"
        return NetworkFileError(
            f"the generator in the file is a {found}, which is neither StyleGAN2 nor StyleGAN3",
            hint="Ganzfeld reads those two and forks that keep their generators.",
        )
    return NetworkFileError(
        f"the file holds {_found(source.content)}, not a generator",
        hint=f"Ganzfeld reads: {known}. Look for the network's own snapshot.",
    )


def _half_a_generator(source: Source) -> NetworkFileError | None:
    """The error for a file in which one of a generator's two networks lies alone."""
    names = [name for name in source.survey.tensors if not is_discriminator(name)]
    if any(re.search(r"(?:^|\.)(?:fromrgb|b4\.out)\.", name) for name in names):
        return no_generator()
    found = [
        any(re.search(pattern, name) for name in names)
        for pattern in (r"(?:^|\.)synthesis\.(?:b4|input|L0_\w+)\.", r"(?:^|\.)mapping\.fc0\.")
    ]
    if all(found) or not any(found):
        return None
    there, missing = ("synthesis", "mapping") if found[0] else ("mapping", "synthesis")
    return NetworkFileError(
        f"the file holds a {there} network, and the {missing} network that belongs to it is missing",
        hint="A part of the generator is in another file, or was lost: look for the snapshot that it was taken from.",
    )


def no_generator() -> NetworkFileError:
    """The error for a file of which only a discriminator is left."""
    return NetworkFileError(
        "the file holds a discriminator but no generator (neither 'G_ema' nor 'G')",
        hint="Look for the snapshot it was taken from; the generator is what makes pictures.",
    )


def _records(content: object) -> list[Record]:
    parts = content if isinstance(content, (tuple, list)) and len(content) <= 10 else [content]
    return [part for part in parts if isinstance(part, Record)]


def _found(content: object) -> str:
    if isinstance(content, Record):
        return f"an object of the class '{content.class_name}'"
    if isinstance(content, Global):
        return f"nothing but the name '{content.name}'"
    if isinstance(content, dict):
        keys = ", ".join(f"'{key[:30]}'" if isinstance(key, str) else str(key) for key in list(content)[:4])
        return f"a dictionary ({keys}{', …' if len(content) > 4 else ''})" if content else "an empty dictionary"
    if isinstance(content, (list, tuple)):
        return f"a {type(content).__name__} of {len(content):,}"
    if isinstance(content, Array):
        return f"an array of shape {list(content.shape)}"
    words = {"NoneType": "nothing", "str": "a text", "LongText": "a text", "int": "a number", "float": "a number"}
    return words.get(type(content).__name__, "something else")
