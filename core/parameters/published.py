"""The parameters that only published backbones use, part of the declaration of `RelightParameters`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from .knob import knob


@dataclass(frozen=True)
class PublishedParameters:
    """Parameters of IC-Light, RelightVid and Light-A-Video; checked by `RelightParameters`, which inherits them."""

    models: str | None = knob(
        None, "Folder of downloaded weights. Without it, $RELAMP_MODELS is used; without that, .relamp/models in the "
        "home folder.", "file",
        "published", look=False, metavar="DIR",
    )  # fmt: skip
    accept: tuple[str, ...] = knob(
        (), "Models that may be used although their licence forbids commercial work or is not known.", "names", "published",
        look=False,
    )  # fmt: skip
    base_model: str = knob(
        "realistic-vision-v51", "Stable Diffusion 1.5 in the layout of diffusers, by name or path.", "text", "published"
    )
    ic_light: str = knob(
        "fc",
        "IC-Light's weights: fc, fcon, fbc (which also sees a background), or a file by name or path.",
        "text",
        "published",
    )
    negative_prompt: str | None = knob(
        None, "Words for what the picture must not show. Without it, the published words.", "text", "published"
    )
    guidance: float | None = knob(
        None,
        "How closely the network follows the prompt. Without it, the published value.",
        "float",
        "published",
        lo=0,
        hi=30,
    )
    image_guidance: float = knob(1.2, "How closely RelightVid follows the plate.", "float", "published", lo=0, hi=30)
    scheduler: str = knob(
        "dpm++", "IC-Light's sampler. dpm++ is the published one.", "choice", "published",
        choices=("dpm++", "ddim", "euler-a"),
    )  # fmt: skip
    initial_light: str | None = knob(
        None, "The picture that IC-Light starts from: the environment's light on the subject, a gradient from one side,"
        " or none (noise alone). The default is environment, and none for fbc, which sees a background.",
        "choice", "published", choices=("environment", "none", "left", "right", "top", "bottom"),
    )  # fmt: skip
    initial_strength: float = knob(
        0.9, "How much of the initial light may be denoised away; 1 is all of it.", "float", "published", lo=0.05, hi=1
    )
    ic_light_passes: int = knob(
        2,
        "Passes of IC-Light. The second pass works on the result of the first, enlarged 1.5 times.",
        "int",
        "published",
        lo=1,
        hi=2,
    )
    window: int = knob(16, "Frames that RelightVid and AnimateDiff see at a time.", "int", "published", lo=2, hi=32)
    overlap: int = knob(4, "Frames that two neighbouring windows share.", "int", "published", lo=0, hi=31)
    clip_mode: str = knob(
        "fuse", "Light-A-Video: fuse brings the light into the clip; foreground relights the subject and generates what "
        "is behind it. Baselines: alone uses the image relighter without a video model; sdedit adds noise to the "
        "clip and lets the video model denoise it.",
        "choice", "published", choices=("fuse", "foreground", "alone", "sdedit"),
    )  # fmt: skip
    image_relighter: str = knob(
        "ic-light",
        "The relighter of single frames in Light-A-Video.",
        "choice",
        "published",
        choices=("ic-light", "relamp"),
    )
    video_model: str = knob(
        "animatediff-motion-adapter-v1-5-3",
        "Light-A-Video's video model: AnimateDiff's motion adapter by name or path, or smooth, which needs no "
        "download.",
        "text", "published",
    )  # fmt: skip
    video_prompt: str | None = knob(
        None, "The prompt of the video model. Without it, the prompt of the light.", "text", "published"
    )
    video_guidance: float = knob(
        2.0, "How closely the video model follows its prompt.", "float", "published", lo=0, hi=30
    )
    video_steps: int = knob(25, "Steps of the video model.", "int", "published", lo=1, hi=1000)
    video_strength: float = knob(
        0.5, "How much of the clip the video model makes new.", "float", "published", lo=0.02, hi=1
    )
    light_attention: float = knob(
        0.5, "How much each frame attends to the light of the whole clip; 0 treats every frame alone.", "float", "published",
        lo=0, hi=1,
    )  # fmt: skip
    upstream_text: bool = knob(
        False,
        "Arrange Light-A-Video's prompts as its released code does, in which the guidance has no effect.",
        "bool",
        "published",
    )
    precision: str = knob(
        "auto", "Number format of the published networks. auto is half on a GPU and float elsewhere.",
        "choice", "published", choices=("auto", "half", "float"),
    )  # fmt: skip
    offload: bool = knob(
        False, "Keep each published network off the GPU until it is needed. This is slower and takes less memory.",
        "bool", "published", look=False,
    )  # fmt: skip
    attention_slicing: bool = knob(
        False,
        "Compute the attention of published networks in slices. This is slower and takes less memory.",
        "bool",
        "published",
        look=False,
    )
    frames_at_once: int | None = knob(
        None, "Frames whose light attention is computed at once. Fewer frames take less memory.", "int", "published",
        lo=1, hi=1024, look=False,
    )  # fmt: skip
