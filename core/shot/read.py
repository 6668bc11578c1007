"""Reads frames: plate, matte, normals and depth, placed in the plate's data window. Floor 3."""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from cachetools import LRUCache, cached

from ..atomic import file_state
from ..errors import InputError
from ..gain.law import matte_weight
from ..gain.subject import Subject
from ..light.backdrop import camera_rays
from ..light.camera import Camera
from ..parameters import RelightParameters
from ..pictures import exr
from ..pictures.colour import Colour
from ..pictures.frame import Frame
from ..pictures.resample import resize, shrink_normals, working_shape
from ..shape import depth_fit
from ..shape.depth_pass import clean_depth, shrink_depth
from ..shape.normals import INSIDE, along_rays, clean_normals, inflate, looks_green_flipped
from .materials import read_materials
from .plan import BLACK, FrameTask, Inputs

log = logging.getLogger("relamp")

AWAY = -0.55  # z of a normal that is not visible even in the corner of a 66 degree view
SEEN_AWAY = 0.02  # share of such normals from which a warning is logged
EMPTY = 0.02  # share of the frame without normals, and without a matte, from which a warning is logged
JUDGED = 200_000  # at least as many normals of a frame are looked at for warnings, where it has them
SURELY = 0.9  # coverage from which a pixel belongs to the subject alone
GAP = 0.05  # share of the matte that may lack normals or depth
CHECKED_AT = 160  # px, longer side of the picture on which a depth's kind is checked


def read_plate(
    task: FrameTask, inputs: Inputs, parameters: RelightParameters, colour: Colour, *, carry: bool = True
) -> Frame:
    """The plate frame of a task. Where the missing-frame policy is black it is all zero, in the same windows. With `--over` and
    the shadow layer it covers the whole format.

    `carry` also reads the file's other channels and parts, to be written again (`exr.read_frame`).
    """
    path, p = inputs.plate.path(task.plate_frame), parameters
    frame = exr.read_frame(path, colour=colour, colorspace=p.colorspace, layer=p.layer, view=p.view(), carry=carry)
    # Outside of what is written a layer reads 0, and the shadow layer multiplies a background.
    frame = frame.opened() if parameters.over or "shadow" in parameters.layers else frame
    return frame.black() if task.action == BLACK else frame


def gather(
    frame: Frame, task: FrameTask, inputs: Inputs, parameters: RelightParameters, colour: Colour, camera: Camera
) -> Subject:
    """Combine one frame's plate, matte, normals, depth and materials; raises the errors of `_shaped` and `read_materials`."""
    subject = _shaped(frame, task, inputs, parameters, colour, camera)
    if task.action == BLACK:
        return subject
    return replace(subject, materials=read_materials(frame, task, inputs, parameters, colour))


def _shaped(
    frame: Frame, task: FrameTask, inputs: Inputs, parameters: RelightParameters, colour: Colour, camera: Camera
) -> Subject:
    """Combine one frame's plate, matte, normals and depth.

    Without a normals pass the shape is inflated from the matte. Without a matte as well, every normal faces the camera.

    Raises:
        InputError: a file is damaged or lacks a channel, its normals are empty, or its depth is not of the stated kind.
    """
    plate = colour.to_working(frame.rgb, frame.colorspace)
    shape = frame.data_window.shape
    if task.action == BLACK:  # a missing frame has an empty matte
        facing = np.broadcast_to(np.array((0, 0, 1), np.float32), (*shape, 3))
        return Subject(plate, frame.alpha, np.zeros(shape, np.float32), facing, np.zeros(shape, bool), guessed=False)
    matte = _matte(frame, task, inputs, parameters.view())
    weight = matte_weight(matte, frame.coverage, shape)
    found = _normals(frame, task, inputs, parameters, camera)
    if found is not None:
        normals, known = found
        if weight.any() and not (known & (weight > 0)).any():
            raise InputError(
                f"{frame.path.name}: its normals are empty wherever the matte is; give others, or none at all"
            )
        subject = Subject(plate, frame.alpha, weight, normals, known, guessed=False)
        return replace(subject, depth=_depth(frame, task, inputs, parameters, camera, subject))
    outline = matte if matte is not None else frame.coverage
    if outline is None:
        outline = np.ones(shape, np.float32)
    facing, known = _inflated(outline, frame, camera), np.ones(shape, bool)
    subject = Subject(plate, frame.alpha, weight, facing, known, guessed=True)
    return replace(subject, depth=_depth(frame, task, inputs, parameters, camera, subject))


def fills_frame(subject: Subject) -> bool:
    """Whether the subject has no outline inside the frame, as without a matte, so that no shape can be inflated from it."""
    return bool(subject.coverage.min(initial=1) > INSIDE)


def _warn_about_gaps(subject: Subject) -> None:
    """Log that normals or depth are empty in a part of the matte, as those of another shot or frame are."""
    sure = subject.coverage > SURELY
    if not sure.any() or fills_frame(subject):
        return
    there = {} if subject.guessed else {"normals are": subject.known}
    if subject.depth is not None:
        there["depth is"] = subject.depth > 0
    for name, known in there.items():
        empty = float((sure & ~known).sum() / sure.sum())
        if empty > GAP:
            log.warning(
                "the %s empty in %.0f %% of the matte: the pass may be of another shot or frame, or the matte holds more than it",
                name, 100 * empty,
            )  # fmt: skip


def warn_about(frame: Frame, subject: Subject, parameters: RelightParameters) -> None:
    """Log warnings about the alpha and the shape of a frame."""
    if frame.alpha is not None and frame.coverage is None:
        log.warning(
            "the plate's alpha is black all over, beside a picture: it counts as none, and goes out as it came in"
        )
    inside = subject.known & (subject.weight > 0)
    _warn_about_gaps(subject)
    if subject.depth is None and parameters.depth is None and exr.find_depth(frame) is not None:
        log.warning(
            "the plate's own depth is not used: it is empty in the matte or not %s depth; see --depth-kind",
            parameters.depth_kind,
        )
    if not subject.weight.any():
        log.warning("the matte is empty, so nothing changes")
    elif subject.guessed and parameters.estimator is not None:
        log.info("no normals: the shape is what --estimator %s sees", parameters.estimator)
    elif subject.guessed and fills_frame(subject):
        shape = "every pixel is taken to face the camera"
        if parameters.backbone != "ratio":
            shape = "the shape is the network's guess"
        log.warning(
            "no normals and no matte: the whole frame is relit, and %s; a --matte of the subject or a normals pass "
            "(--normals) lights far better",
            shape,
        )
    elif subject.guessed:
        shape = "inflated from the matte" if parameters.backbone == "ratio" else "the network's guess"
        log.warning("no normals: the shape is %s; a normals pass (--normals) lights far better", shape)
    else:
        empty = 1 - float(subject.known.mean())
        if fills_frame(subject) and empty > EMPTY:
            log.warning(
                "the normals are empty over %.0f %% of the frame, and no matte says that the light ends there: what is around "
                "the subject changes, too; give --matte",
                100 * empty,
            )
        for words in _doubts(subject.normals, inside, parameters):
            log.warning(words)


def _doubts(normals: np.ndarray, inside: np.ndarray, parameters: RelightParameters) -> Iterator[str]:
    there = np.flatnonzero(inside)
    facing = normals.reshape(-1, 3)[there[:: max(1, len(there) // JUDGED)]]  # (N, 3)
    if parameters.normals_space == "world" and not parameters.camera:
        yield "the normals are in world space and no --camera is given: the camera is taken to look down -Z"
    if facing.min() > -0.02 and facing[:, :2].std() > 0.05:
        yield "no normal points left or down: they look like an encoded map (0 to 1); decode them to -1 to 1 first"
    elif facing[:, 2].mean() < 0:
        yield "most normals face away from the camera; if Z is turned around, --normals-flip z"
    elif parameters.normals_space == "camera" and (facing[:, 2] < AWAY).mean() > SEEN_AWAY:
        yield (
            "some normals face away from the camera, which nothing that is seen does; if they are in world space, "
            "--normals-space world with the shot's --camera"
        )
    elif "y" not in parameters.normals_flip and looks_green_flipped(normals, inside):
        yield "the normals seem to face down at the top of the subject; if they are DirectX's, --normals-flip y"


def view_rays(frame: Frame, camera: Camera, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Camera-space unit vectors from the eye through the pixels of a frame's data window, (h, w, 3) float32.

    `shape` is the size (h, w) at which the data window is sampled; None means its full size.
    """
    data, display = frame.data_window, frame.display_window
    height, width = shape or data.shape
    across, down = width / data.width, height / data.height
    window = ((data.x - display.x) * across, (data.y - display.y) * down, width, height)
    aspect = frame.pixel_aspect * down / across
    return camera_rays(display.width * across, display.height * down, camera.fov, aspect, window)


def _inflated(outline: np.ndarray, frame: Frame, camera: Camera) -> np.ndarray:
    """Camera-space normals (H, W, 3) of the shape inflated from the matte, computed in square pixels."""
    rays = view_rays(frame, camera)
    if frame.pixel_aspect == 1:
        return along_rays(inflate(outline), rays)
    height, width = outline.shape
    square = cv2.resize(outline, (max(1, round(width * frame.pixel_aspect)), height), interpolation=cv2.INTER_AREA)
    return along_rays(cv2.resize(inflate(square), (width, height), interpolation=cv2.INTER_AREA), rays)


def _depth(
    frame: Frame, task: FrameTask, inputs: Inputs, p: RelightParameters, camera: Camera, subject: Subject
) -> np.ndarray | None:
    """The given depth (H, W), cleaned, else the plate's own depth where that passes the checks."""
    own = inputs.depth is None
    if inputs.depth is not None:
        found = exr.read_depth(inputs.depth.path(task.plate_frame), inputs.depth_layer, p.view())
    else:
        given = None if inputs.passes is None else exr.pass_depth(inputs.passes.path(task.plate_frame), p.view())
        found = given or exr.find_depth(frame)
    if found is None:
        return None
    rays = view_rays(frame, camera) if p.depth_kind == "distance" else None
    depth = clean_depth(found.over(frame)[..., 0], p.depth_kind, rays)
    shape = working_shape(depth.shape[0], depth.shape[1], CHECKED_AT)
    small = np.where(resize(subject.weight, shape) > INSIDE, shrink_depth(depth, shape), 0)
    if not small.any():
        if own or not subject.weight.any():
            return None
        raise InputError(f"{found.path.name}: its depth is empty wherever the matte is; give another, or none at all")
    try:
        _require_kind(frame, camera, subject, small, p.depth_kind, found.path.name)
    except InputError:
        if own:  # an unsuitable depth in the plate is ignored
            return None
        raise
    return depth


def _require_kind(frame: Frame, camera: Camera, subject: Subject, depth: np.ndarray, kind: str, what: str) -> None:
    """Raise `InputError` for a depth (H, W) that is not of its stated kind, by the camera and the known normals."""
    rays = view_rays(frame, camera, depth.shape)
    known = subject.known & (not subject.guessed)
    normals, sure = shrink_normals(subject.normals, known, depth.shape, least=0.9)  # (h, w, 3), (h, w)
    depth_fit.require_fits(depth, kind, depth_fit.Pairs.of(depth, rays, normals, sure), what)


def _matte(frame: Frame, task: FrameTask, inputs: Inputs, view: str | None) -> np.ndarray | None:
    if inputs.matte is None:
        return None
    return exr.read_matte(inputs.matte.path(task.plate_frame), inputs.matte_channel, view).over(frame)[..., 0]


def _normals(
    frame: Frame, task: FrameTask, inputs: Inputs, p: RelightParameters, camera: Camera
) -> tuple[np.ndarray, np.ndarray] | None:
    """The given normals, cleaned, (H, W, 3), and where there are any, (H, W); None where none are given."""
    turn, view = camera.rotation.T if p.normals_space == "world" else None, p.view()
    if inputs.normals is not None:
        path = inputs.normals.path(task.plate_frame)
        read = _still_normals if inputs.normals.is_still else _read_normals
        return read(frame, path, inputs.normals_layer, view, p.normals_flip, turn)
    given = None if inputs.passes is None else exr.pass_normals(inputs.passes.path(task.plate_frame), view)
    found = given or exr.find_normals(frame)
    return None if found is None else clean_normals(found.over(frame), flip=p.normals_flip, world_to_camera=turn)


def _read_normals(
    frame: Frame, path: Path, layer: str | None, view: str | None, flip: tuple[str, ...], turn: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    found = exr.read_normals(path, layer, view).over(frame)
    return clean_normals(found, flip=flip, world_to_camera=turn)


def _still_key(
    frame: Frame, path: Path, layer: str | None, view: str | None, flip: tuple[str, ...], turn: np.ndarray | None
) -> Hashable:
    windows = frame.data_window, frame.display_window
    return path, *(file_state(path) or ()), *windows, layer, view, flip, None if turn is None else turn.tobytes()


# Normals in one file for all frames are read and cleaned once. The last ones are kept and shared by the frames in progress.
_still_normals = cached(LRUCache(1), key=_still_key, lock=threading.Lock())(_read_normals)
