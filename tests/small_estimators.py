"""Files of estimators at toy size with the published inputs, outputs and configurations: graphs that return known shapes.

The ONNX graphs find a bright ball in the picture they are shown (its centre and radius are those of `probe.ball`) by nothing
more than arithmetic: normals are those of the ball where the picture is brighter than the ground, the viewer's direction
elsewhere, in whatever axes are asked for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
RADIUS = 0.7


def _constant(name: str, values: object, kind: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def _save(path: Path, nodes: list, inputs: list, outputs: list, constants: list) -> Path:
    graph = helper.make_graph(nodes, "toy", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def _ball_nodes(picture: str, axes: np.ndarray, side_last: bool) -> tuple[list, list]:
    """Nodes that give `normal` of a picture (1, 3, H, W): (1, H, W, 3) with `side_last`, else (1, 3, H, W)."""
    nodes = [
        helper.make_node("Shape", [picture], ["shape"]),
        helper.make_node("Gather", ["shape", "two"], ["H"], axis=0),
        helper.make_node("Gather", ["shape", "three"], ["W"], axis=0),
    ]
    for axis, size in (("x", "W"), ("y", "H")):
        nodes += [
            helper.make_node("Range", ["zero_i", size, "one_i"], [f"{axis}_i"]),
            helper.make_node("Cast", [f"{axis}_i"], [f"{axis}_f"], to=TensorProto.FLOAT),
            helper.make_node("Cast", [size], [f"{size}_f"], to=TensorProto.FLOAT),
            helper.make_node("Add", [f"{axis}_f", "half"], [f"{axis}_c"]),
            helper.make_node("Div", [f"{axis}_c", f"{size}_f"], [f"{axis}_u"]),
            helper.make_node("Sub", [f"{axis}_u", "half"], [f"{axis}_m"]),
            helper.make_node("Mul", [f"{axis}_m", f"scale_{axis}"], [f"{axis}_line"]),
        ]
    nodes += [
        helper.make_node("Unsqueeze", ["x_line", "ax0"], ["x_row"]),
        helper.make_node("Unsqueeze", ["y_line", "ax1"], ["y_col"]),
        helper.make_node("Mul", ["x_row", "x_row"], ["xx"]),
        helper.make_node("Mul", ["y_col", "y_col"], ["yy"]),
        helper.make_node("Add", ["xx", "yy"], ["rr"]),
        helper.make_node("Sub", ["one", "rr"], ["zz"]),
        helper.make_node("Max", ["zz", "zero"], ["zz0"]),
        helper.make_node("Sqrt", ["zz0"], ["z2"]),
        helper.make_node("Mul", ["z2", "zero"], ["flat"]),
        helper.make_node("Add", ["flat", "x_row"], ["x2"]),
        helper.make_node("Add", ["flat", "y_col"], ["y2"]),
        *(helper.make_node("Unsqueeze", [f"{a}2", "ax_last"], [f"{a}3"]) for a in "xyz"),
        helper.make_node("Concat", ["x3", "y3", "z3"], ["n_raw"], axis=2),  # H, W, 3
        helper.make_node("LpNormalization", ["n_raw"], ["n_unit"], axis=2, p=2),
        helper.make_node("MatMul", ["n_unit", "axes"], ["n_turned"]),
    ]  # fmt: skip
    if side_last:
        nodes.append(helper.make_node("Unsqueeze", ["n_turned", "ax0"], ["normal"]))
    else:
        nodes += [
            helper.make_node("Transpose", ["n_turned"], ["n_planes"], perm=[2, 0, 1]),
            helper.make_node("Unsqueeze", ["n_planes", "ax0"], ["normal"]),
        ]
    constants = [
        _constant("two", 2, np.int64), _constant("three", 3, np.int64), _constant("zero_i", 0, np.int64),
        _constant("one_i", 1, np.int64), _constant("half", 0.5), _constant("one", 1.0), _constant("zero", 0.0),
        _constant("scale_x", 2 / RADIUS), _constant("scale_y", -2 / RADIUS),
        _constant("ax0", [0], np.int64), _constant("ax1", [1], np.int64), _constant("ax_last", [2], np.int64),
        _constant("axes", np.asarray(axes).T),
    ]  # fmt: skip
    return nodes, constants


def moge(path: Path, axes: np.ndarray | None = None) -> Path:
    """MoGe-2's inputs and outputs; a ball of radius 0.7 halves 5 m away before a wall, its points 3 units too near.

    `axes` (3, 3) are those of the normals on column vectors, from camera space; OpenCV's when None. `points` are those of a wall
    at z = 2 (affine: 1 after the shift is taken off), seen 40 degrees wide.
    """
    opencv = np.diag((1.0, -1.0, -1.0))
    nodes, constants = _ball_nodes("image", opencv if axes is None else axes, True)
    half = float(np.tan(np.radians(20)))
    nodes += [
        # A wall at z = 2 with its pixels' own rays, brought one unit nearer.
        helper.make_node("Mul", ["x_m", "ray"], ["wall_x"]),
        helper.make_node("Mul", ["y_m", "ray"], ["wall_y0"]),
        helper.make_node("Mul", ["wall_y0", "H_f"], ["wall_y1"]),
        helper.make_node("Div", ["wall_y1", "W_f"], ["wall_y"]),
        helper.make_node("Unsqueeze", ["wall_x", "ax0"], ["wall_xr"]),
        helper.make_node("Unsqueeze", ["wall_y", "ax1"], ["wall_yc"]),
        helper.make_node("Add", ["flat", "wall_xr"], ["px"]),
        helper.make_node("Add", ["flat", "wall_yc"], ["py"]),
        helper.make_node("Add", ["flat", "one"], ["pz"]),
        *(helper.make_node("Unsqueeze", [f"p{a}", "ax_last"], [f"p{a}3"]) for a in "xyz"),
        helper.make_node("Concat", ["px3", "py3", "pz3"], ["p_raw"], axis=2),
        helper.make_node("Unsqueeze", ["p_raw", "ax0"], ["points"]),
        helper.make_node("Unsqueeze", ["pz", "ax0"], ["mask"]),
        helper.make_node("Cast", ["num_tokens"], ["tokens_f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["tokens_f", "zero"], ["tokens_0"]),
        helper.make_node("Add", ["tokens_0", "scale"], ["scale_s"]),
        helper.make_node("Unsqueeze", ["scale_s", "ax0"], ["metric_scale"]),
    ]
    constants += [_constant("ray", 2 * 2 * half), _constant("scale", 1.5)]
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, "height", "width"]),
        helper.make_tensor_value_info("num_tokens", TensorProto.INT64, []),
    ]
    outputs = [
        helper.make_tensor_value_info("points", TensorProto.FLOAT, ["batch", "height", "width", 3]),
        helper.make_tensor_value_info("normal", TensorProto.FLOAT, ["batch", "height", "width", 3]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", "height", "width"]),
        helper.make_tensor_value_info("metric_scale", TensorProto.FLOAT, ["batch"]),
    ]
    return _save(path, nodes, inputs, outputs, constants)


def david(path: Path, kind: str = "multi", axes: np.ndarray | None = None, side: int = 512) -> Path:
    """DAViD's input and outputs of a kind: depth 0 at the bottom to 1 at the top, a ball's normals, the blue of BGR as matte."""
    nodes, constants = _ball_nodes("input", np.eye(3) if axes is None else axes, False)
    nodes += [
        helper.make_node("Slice", ["input", "from", "to", "ax1"], ["first_plane"]),  # blue, as it is BGR
        helper.make_node("Identity", ["first_plane"], ["foreground"]),
        helper.make_node("Mul", ["y_m", "minus"], ["up"]),
        helper.make_node("Add", ["up", "half"], ["rising"]),
        helper.make_node("Unsqueeze", ["rising", "ax1"], ["rising_c"]),
        helper.make_node("Add", ["flat", "rising_c"], ["depth_2"]),
        helper.make_node("Unsqueeze", ["depth_2", "ax01"], ["depth"]),
    ]
    constants += [_constant("from", [0], np.int64), _constant("to", [1], np.int64), _constant("minus", -1.0)]
    constants += [_constant("ax01", [0, 1], np.int64)]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, side, side])]
    shapes = {"depth": 1, "normal": 3, "foreground": 1}
    kept = {"multi": tuple(shapes), "normals": ("normal",), "depth": ("depth",), "matte": ("foreground",)}[kind]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, shapes[n], side, side]) for n in kept]
    return _save(path, nodes, inputs, outputs, constants)


def marigold(folder: Path, kind: str = "normals") -> Path:
    """A folder of Marigold's at toy size: `model_index.json` as published, random networks, text encoder and tokenizer."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    from relamp.core.relighter.models.layout import write_config
    from small_published import write_text_encoder, write_tokenizer

    targets = {"normals": 1, "depth": 1, "intrinsics": 2}[kind]
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4 * (1 + targets), out_channels=4 * targets, block_out_channels=(32, 32),
        layers_per_block=1, cross_attention_dim=32, attention_head_dim=8, norm_num_groups=8, use_linear_projection=True,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=(16, 16, 16, 16), norm_num_groups=8, latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        timestep_spacing="trailing", rescale_betas_zero_snr=True, set_alpha_to_one=False, steps_offset=1, clip_sample=False,
    )  # fmt: skip
    for name, network in (("unet", unet), ("vae", vae)):
        network.save_pretrained(str(folder / name))
    scheduler.save_pretrained(str(folder / "scheduler"))
    write_text_encoder(folder / "text_encoder", 32)
    write_tokenizer(folder / "tokenizer")
    name = {"normals": "Normals", "depth": "Depth", "intrinsics": "Intrinsics"}[kind]
    index = {
        "_class_name": f"Marigold{name}Pipeline", "_diffusers_version": "0.32.0", "prediction_type": kind,
        "default_denoising_steps": 2, "default_processing_resolution": 64,
        "scheduler": ["diffusers", "DDIMScheduler"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
    }  # fmt: skip
    more = {
        "normals": {"use_full_z_range": True},
        "depth": {"scale_invariant": True, "shift_invariant": True},
        "intrinsics": {
            "target_properties": {
                "target_names": ["albedo", "material"],
                "albedo": {"prediction_space": "srgb"},
                "material": {"prediction_space": "stack", "sub_target_names": ["roughness", "metallicity", None]},
                "roughness": {"prediction_space": "linear", "up_to_scale": False},
                "metallicity": {"prediction_space": "linear", "up_to_scale": False},
            }
        },
    }[kind]
    write_config(folder / "model_index.json", {**index, **more})
    return folder
