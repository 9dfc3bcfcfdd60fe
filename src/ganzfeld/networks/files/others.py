"""Networks of other mathematics: Ganzfeld does not play them, and says which they are and what would help.

They are known by the names of their classes and tensors, as their public code chose them. An entry is for a kind of
file that people have; one that is not here is refused with the names that were found in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ganzfeld.errors import NetworkFileError
from ganzfeld.networks.files.survey import Survey, is_discriminator

_STYLEGAN = "Networks trained with StyleGAN2, StyleGAN2-ADA, StyleGAN3 or StyleGAN-XL play."


@dataclass(frozen=True)
class Other:
    """A kind of network. It is recognised by a class whose name matches, or where every pattern matches a tensor."""

    name: str
    hint: str
    classes: str = r"(?!)"
    tensors: tuple[str, ...] = ()


OTHERS = (
    Other(
        "an EG3D network, which makes pictures of a solid scene",
        "It renders rays through three planes, which Ganzfeld does not compute. " + _STYLEGAN,
        classes=r"(?:^|\.)TriPlaneGenerator$",
        tensors=(r"(?:^|\.)backbone\.synthesis\.b4\.", r"(?:^|\.)(?:superresolution|decoder\.net)\."),
    ),
    Other(
        "a StyleGAN-T network, which makes pictures from text",
        "It needs a language model and layers that Ganzfeld does not compute. " + _STYLEGAN,
        classes=r"(?:^|\.)StyleSplit$",
        tensors=(r"(?:^|\.)mapping\.clip\.",),
    ),
    Other(
        "a FastGAN network (Projected GAN trains them, too)",
        "It has no styles, so that nothing of it could be bent or walked through as Ganzfeld does. " + _STYLEGAN
        + " Projected GAN trains StyleGAN2 as well, with --cfg=stylegan2.",
        classes=r"(?i)fastgan",
        tensors=(r"(?:^|\.)feat_\d+\.", r"(?:^|\.)se_\d+\."),
    ),
    Other(
        "an R3GAN network",
        "It is a plain residual network without styles, which Ganzfeld does not compute. " + _STYLEGAN,
        classes=r"^R3GAN\.",
        tensors=(r"(?:^|\.)MainLayers\.\d+\.", r"(?:^|\.)AggregationLayer\."),
    ),
    Other(
        "a network of lucidrains' stylegan2-pytorch",
        "It is called StyleGAN2, and its layers differ (noise for each channel, another start). A network trained with "
        "StyleGAN2-ADA or StyleGAN3 plays; these files cannot be converted into one.",
        tensors=(r"(?:^|\.)blocks\.\d+\.to_style1\.weight$", r"(?:^|\.)blocks\.\d+\.to_noise1\.weight$"),
    ),
    Other(
        "a network of lucidrains' lightweight-gan",
        "It has no styles, so that nothing of it could be bent or walked through as Ganzfeld does. " + _STYLEGAN,
        tensors=(r"(?:^|\.)G\.initial_conv\.\d+\.weight$", r"(?:^|\.)G\.layers\.\d+\."),
    ),
    Other(
        "a StyleGAN2 of maua's that starts from the latent instead of a constant",
        "Its first layer is computed from w, which Ganzfeld does not do. Networks of the same program with a constant "
        "input play.",
        tensors=(r"(?:^|\.)input\.linear\.weight$", r"(?:^|\.)conv1\.conv\.weight$"),
    ),
    Other(
        "a SWAGAN network, a StyleGAN2 whose picture is made of wavelets",
        "Its way to RGB goes through wavelets, which Ganzfeld does not compute. The same program's '--arch stylegan2' "
        "networks play.",
        tensors=(r"(?:^|\.)to_rgbs\.\d+\.(?:iwt|dwt)\.",),
    ),
    Other(
        "a network of rosinality's alias-free-gan",
        "It was written before StyleGAN3's own code was public, and its layers differ from those. Networks of NVIDIA's "
        "own StyleGAN3 play.",
        tensors=(r"(?:^|\.)affine_fourier\.weight$",),
    ),
    Other(
        "a StyleGAN of the first kind (2018)",
        "Its layers normalise pictures instead of weights, which Ganzfeld does not compute. StyleGAN2 and later play.",
        classes=r"(?:^|[._])G_style(?:$|_)|StyledGenerator$|(?:^|/)StyleMod/",
        tensors=(r"(?:^|\.)(?:g_synthesis\.blocks|generator\.progression\.\d+)\.",),
    ),
    Other(
        "a Progressive GAN",
        "It has no styles, so that nothing of it could be bent or walked through as Ganzfeld does. " + _STYLEGAN,
        classes=r"^tfutil\.Network$|(?:^|[._])G_paper$",
        tensors=(r"(?:^|\.)(?:toRGBLayers|scaleLayers)\.\d+\.", r"(?:^|\.)formatLayer\."),
    ),
    Other(
        "a StyleGAN-V network, which makes films",
        "It has a motion of its own, which Ganzfeld does not compute. " + _STYLEGAN,
        tensors=(r"(?:^|\.)synthesis\.motion_encoder\.",),
    ),
    Other(
        "a StyleSwin network",
        "It is a transformer, which Ganzfeld does not compute. " + _STYLEGAN,
        tensors=(r"(?:^|\.)attn\.\d+\.relative_position_bias_table$|relative_position_index", r"(?:^|\.)style\.\d+\."),
    ),
    Other(
        "a diffusion model (Stable Diffusion or its kin)",
        "It makes a picture in many steps, and not sixty times a second. " + _STYLEGAN,
        tensors=(r"(?:^|\.)(?:diffusion_model|time_embed(?:ding)?|double_blocks|down_blocks)\.",),
    ),
    Other(
        "a LoRA, an addition to a diffusion model",
        _STYLEGAN,
        tensors=(r"lora_(?:up|down|A|B)\b|lora_unet",),
    ),
    Other(
        "a GFPGAN network, which restores faces",
        _STYLEGAN,
        tensors=(r"(?:^|\.)stylegan_decoder\.|(?:^|\.)conv_body_first\.",),
    ),
    Other(
        "a StyleGAN2 of BasicSR or MMGeneration, which name its parts in their own way",
        "Ganzfeld reads the official names and rosinality's. The file that it was converted from plays.",
        tensors=(r"(?:^|\.)(?:style_convs\.\d+\.modulated_conv|style_mapping\.\d+)\.|\.style_modulation\.",),
    ),
    Other(
        "an upscaler (ESRGAN or its kin)",
        "An 'upscale' node takes such files. A 'network' node takes a generator.",
        tensors=(r"(?:^|\.)(?:conv_first\.weight|model\.0\.weight)$", r"(?i)rdb\d|(?:^|\.)body\.\d|model\.1\.sub\."),
    ),
    Other(
        "a BigGAN network",
        "It has no mapping network and no styles. " + _STYLEGAN,
        tensors=(r"(?:^|\.)blocks\.\d+\.\d+\.(?:bn1|conv_sc)\.", r"(?:^|\.)shared\.weight$|(?:^|\.)linear\.weight$"),
    ),
)  # fmt: skip


def named(survey: Survey, more: Iterable[str] = (), within: str = "") -> NetworkFileError | None:
    """The refusal of a network of other mathematics, by its name; None where none is known.

    more: names that tell what a network is, besides those of its modules and tensors. within: where to look.
    """
    tensors = [name for name in survey.tensors if name.startswith(within) and not is_discriminator(name)]
    classes = [
        record.class_name
        for place, record in survey.modules.items()
        if f"{place}.".startswith(within) and not is_discriminator(place)
    ]
    classes += more
    for other in OTHERS:
        by_class = any(re.search(other.classes, name) for name in classes)
        by_tensors = bool(other.tensors) and all(
            any(re.search(pattern, name) for name in tensors) for pattern in other.tensors
        )
        if by_class or by_tensors:
            return NetworkFileError(f"the file holds {other.name}", hint=other.hint)
    return None
