# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Procedural surfaces for the light stage: Blender shader trees drawn at random.

Every material writes the AOV `surface` = (subject, roughness, metallic): subject is the object's pass index, 1 for what
the matte holds and 0 for grounds and walls.
"""

from __future__ import annotations

import colorsys
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np

PATTERNS = ("noise", "voronoi", "cells", "checker", "brick", "stripes", "rings", "wood", "marble", "dots", "weave")


def random_colour(rng: np.random.Generator, saturation: float = 0.5, lo: float = 0.03, hi: float = 0.85) -> tuple:
    """An albedo (r, g, b, 1): any hue, log-uniform value, saturation up to twice the given mean."""
    value = float(np.exp(rng.uniform(np.log(lo), np.log(hi))))
    grey = rng.random() < 0.2
    return (*colorsys.hsv_to_rgb(rng.random(), 0.05 if grey else min(1.0, rng.random() * 2 * saturation), value), 1.0)


class Tree:
    """A shader tree being built: nodes by type name, links by socket name."""

    def __init__(self, name: str):
        self.material = bpy.data.materials.new(name)
        if self.material.node_tree is None:  # Blender before 5 starts without one
            self.material.use_nodes = True
        self.nodes: Any = self.material.node_tree.nodes  # pyright: ignore[reportOptionalMemberAccess]
        self.nodes.clear()

    def node(self, kind: str, properties: dict | None = None, **inputs: Any) -> Any:
        """Add a node; inputs by socket name with _ for spaces, each a value or a socket to link from."""
        node = self.nodes.new(kind)
        for name, value in (properties or {}).items():
            setattr(node, name, value)
        for name, value in inputs.items():
            self.put(node, name.replace("_", " "), value)
        return node

    def put(self, node: Any, socket: str | int, value: Any) -> None:
        """Set or link one input."""
        if isinstance(value, bpy.types.NodeSocket):
            self.material.node_tree.links.new(value, node.inputs[socket])
        else:
            node.inputs[socket].default_value = value

    def math(self, operation: str, a: Any, b: Any = 0.0) -> Any:
        node = self.nodes.new("ShaderNodeMath")
        node.operation = operation
        self.put(node, 0, a)
        self.put(node, 1, b)
        return node.outputs[0]

    def mix(self, factor: Any, a: Any, b: Any, blend: str = "MIX") -> Any:
        """Mix two colours (each a tuple or a socket)."""
        node = self.nodes.new("ShaderNodeMixRGB")
        node.blend_type = blend
        for i, value in enumerate((factor, a, b)):
            self.put(node, i, value)
        return node.outputs[0]

    def coordinates(self, rng: np.random.Generator, scale: float) -> Any:
        """Object coordinates, turned and stretched at random."""
        source = self.node("ShaderNodeTexCoord").outputs["Object"]
        stretch = np.exp(rng.normal(0, 0.25, 3)) * scale
        turn = rng.uniform(-np.pi, np.pi, 3) if rng.random() < 0.7 else np.zeros(3)
        mapping = self.node(
            "ShaderNodeMapping",
            Vector=source,
            Scale=tuple(stretch),
            Rotation=tuple(turn),
            Location=tuple(rng.uniform(-9, 9, 3)),
        )
        return mapping.outputs[0]

    def pattern(self, rng: np.random.Generator, kind: str, scale: float) -> Any:
        """A scalar pattern of about 0 to 1; scale is features a scene unit."""
        at = self.coordinates(rng, scale)
        if kind in ("noise", "marble", "wood"):
            detail, distortion = float(rng.uniform(1, 8)), float(rng.uniform(0, 2.5))
            noise = self.node("ShaderNodeTexNoise", Vector=at, Scale=1.0, Detail=detail, Distortion=distortion).outputs[
                0
            ]
            if kind == "noise":
                return self.step(rng, noise, 0.5)
            bands = 3.0 if kind == "marble" else 9.0
            return self.math(
                "ABSOLUTE", self.math("SINE", self.math("MULTIPLY", noise, bands * float(rng.uniform(1, 3))))
            )
        if kind in ("voronoi", "dots"):
            node = self.node("ShaderNodeTexVoronoi", {"feature": "F1"}, Vector=at, Scale=1.0)
            return self.step(rng, node.outputs["Distance"], 0.4 if kind == "dots" else 0.5)
        if kind == "cells":
            node = self.node("ShaderNodeTexVoronoi", {"feature": "F1"}, Vector=at, Scale=1.0)
            return self.node("ShaderNodeSeparateColor", Color=node.outputs["Color"]).outputs[0]
        if kind == "checker":
            return self.node("ShaderNodeTexChecker", Vector=at, Scale=1.0).outputs["Fac"]
        if kind == "brick":
            node = self.node(
                "ShaderNodeTexBrick",
                Vector=at,
                Scale=1.0,
                Color1=(1, 1, 1, 1),
                Color2=(0.6, 0.6, 0.6, 1),
                Mortar=(0, 0, 0, 1),
            )
            return self.node("ShaderNodeSeparateColor", Color=node.outputs["Color"]).outputs[0]
        if kind == "weave":
            axes = self.node("ShaderNodeSeparateXYZ", Vector=at)
            u, v = (self.math("SINE", self.math("MULTIPLY", axes.outputs[i], 6.28)) for i in (0, 1))
            return self.math("ADD", self.math("MULTIPLY", self.math("MULTIPLY", u, v), 0.5), 0.5)
        wave = self.node(
            "ShaderNodeTexWave",
            {"wave_type": "RINGS" if kind == "rings" else "BANDS"},
            Vector=at,
            Scale=0.5,
            Distortion=float(rng.choice([0, 0, 2, 8])),
            Detail=2.0,
        )
        return self.step(rng, wave.outputs["Fac"], 0.5)

    def step(self, rng: np.random.Generator, value: Any, middle: float) -> Any:
        """The value as it is, or with an edge at its middle."""
        if rng.random() < 0.4:
            return value
        width = float(rng.choice([0.02, 0.1, 0.3]))
        node = self.node("ShaderNodeMapRange", Value=value)
        node.inputs["From Min"].default_value, node.inputs["From Max"].default_value = middle - width, middle + width
        return node.outputs[0]

    def finish(self, shader: Any, roughness: Any, metallic: Any) -> bpy.types.Material:
        """Connect the shader and the AOV."""
        self.node("ShaderNodeOutputMaterial", Surface=shader)
        subject = self.node("ShaderNodeObjectInfo").outputs["Object Index"]
        colour = self.node("ShaderNodeCombineColor", Red=subject, Green=roughness, Blue=metallic).outputs[0]
        self.node("ShaderNodeOutputAOV", {"aov_name": "surface"}, Color=colour)
        return self.material


def _roughness(tree: Tree, rng: np.random.Generator, middle: float, scale: float) -> Any:
    if rng.random() < 0.6:
        return middle
    pattern = tree.pattern(rng, str(rng.choice(PATTERNS)), scale * float(rng.uniform(0.5, 3)))
    node = tree.node("ShaderNodeMapRange", Value=pattern)
    spread = float(rng.uniform(0.05, 0.25))
    node.inputs["To Min"].default_value = max(0.03, middle - spread)
    node.inputs["To Max"].default_value = min(1.0, middle + spread)
    return node.outputs[0]


def _base_colour(tree: Tree, rng: np.random.Generator, scale: float, plain: float, saturation: float, lo: float) -> Any:
    first = random_colour(rng, saturation, lo)
    if rng.random() < plain:
        wear = tree.pattern(rng, "noise", scale)
        worn = (*(c * float(rng.uniform(0.75, 1.0)) for c in first[:3]), 1.0)
        return tree.mix(wear, first, worn)
    kind = str(rng.choice(PATTERNS))
    colour = tree.mix(tree.pattern(rng, kind, scale), first, random_colour(rng, saturation, lo))
    if rng.random() < 0.35:
        other = tree.pattern(rng, str(rng.choice(PATTERNS)), scale * float(rng.uniform(1.5, 5)))
        colour = tree.mix(
            tree.math("MULTIPLY", other, float(rng.uniform(0.2, 0.9))), colour, random_colour(rng, saturation, lo)
        )
    return colour


def _bump(tree: Tree, rng: np.random.Generator, chance: float, scale: float) -> Any | None:
    if rng.random() > chance:
        return None
    pattern = tree.pattern(
        rng,
        str(rng.choice(["noise", "voronoi", "weave", "stripes", "brick", "marble", "dots"])),
        scale * float(rng.uniform(1, 4)),
    )
    bump = tree.node("ShaderNodeBump", Height=pattern, Strength=float(rng.uniform(0.1, 0.7)), Distance=0.15 / scale)
    return bump.outputs[0]


def surface(rng: np.random.Generator, kind: str = "any", scale: float = 3.0) -> bpy.types.Material:
    """A material drawn at random.

    kind: any, matte, fabric, plastic, metal, skin-free organic `leaf`, or `ground`. scale: features a scene unit.
    """
    if kind == "any":
        kind = str(rng.choice(["matte", "plastic", "metal", "fabric"], p=[0.38, 0.3, 0.2, 0.12]))
    tree = Tree(kind)
    scale *= float(np.exp(rng.normal(0, 0.6)))
    metallic, inputs = 0.0, {}
    if kind == "metal":
        metallic = 1.0
        tints = [
            (0.95, 0.93, 0.88),
            (1.0, 0.71, 0.29),
            (0.95, 0.64, 0.54),
            (0.56, 0.57, 0.58),
            (0.91, 0.92, 0.92),
            (0.3, 0.3, 0.32),
        ]
        tint = np.array(tints[rng.integers(len(tints))]) * rng.uniform(0.5, 1.0)
        colour: Any = (*tint.tolist(), 1.0)
        if rng.random() < 0.3:
            colour = tree.mix(tree.pattern(rng, str(rng.choice(PATTERNS)), scale), colour, random_colour(rng, 0.5, 0.1))
        middle = float(rng.uniform(0.14, 0.55))  # a sharper mirror shows the outlines of the stage's cells
        roughness = _roughness(tree, rng, middle, scale)
        if rng.random() < 0.2:
            inputs["Anisotropic"] = float(rng.uniform(0.3, 0.8))
    else:
        plain = {"matte": 0.35, "plastic": 0.55, "fabric": 0.3, "ground": 0.25, "leaf": 0.7}[kind]
        colour = _base_colour(tree, rng, scale, plain, 0.35 if kind == "ground" else 0.5, 0.05)
        span = {
            "matte": (0.5, 1.0),
            "plastic": (0.08, 0.5),
            "fabric": (0.7, 1.0),
            "ground": (0.15, 1.0),
            "leaf": (0.3, 0.7),
        }
        roughness = _roughness(tree, rng, float(rng.uniform(*span[kind])), scale)
        inputs["Specular IOR Level"] = float(rng.uniform(0.1, 0.6))
        if kind == "fabric":
            inputs["Sheen Weight"] = float(rng.choice([0.0, rng.uniform(0.1, 0.8)]))
            inputs["Specular IOR Level"] = float(rng.choice([0.05, 0.2, 0.5]))
        if kind == "plastic" and rng.random() < 0.3:
            inputs["Coat Weight"] = float(rng.uniform(0.3, 1.0))
            inputs["Coat Roughness"] = float(rng.uniform(0.03, 0.2))
    bsdf = tree.node("ShaderNodeBsdfPrincipled", Base_Color=colour, Roughness=roughness, Metallic=metallic)
    for name, value in inputs.items():
        tree.put(bsdf, name, value)
    bump = _bump(tree, rng, {"metal": 0.25, "plastic": 0.25, "fabric": 0.7}.get(kind, 0.5), scale)
    if bump is not None:
        tree.put(bsdf, "Normal", bump)
    if kind == "plastic" and rng.random() < 0.08:  # glass and clear resin
        tree.put(bsdf, "Transmission Weight", float(rng.uniform(0.7, 1.0)))
    shader = bsdf.outputs[0]
    if kind == "leaf" or (kind == "fabric" and rng.random() < 0.3):  # thin things let light through
        through = tree.node("ShaderNodeBsdfTranslucent", Color=colour)
        shader = tree.node("ShaderNodeMixShader", Fac=float(rng.uniform(0.1, 0.35)))
        tree.put(shader, 1, bsdf.outputs[0])
        tree.put(shader, 2, through.outputs[0])
        shader = shader.outputs[0]
    return tree.finish(shader, roughness, metallic)


def skin(rng: np.random.Generator) -> bpy.types.Material:
    """Skin over the mesh colour `tint` (the albedo by region), with pores, oil and cheap subsurface scattering."""
    tree = Tree("skin")
    tint = tree.node("ShaderNodeVertexColor", {"layer_name": "tint"}).outputs["Color"]
    blotch = tree.pattern(rng, "noise", float(rng.uniform(2, 8)))
    colour = tree.mix(
        tree.math("MULTIPLY", blotch, float(rng.uniform(0.0, 0.35))), tint, (0.9, 0.62, 0.55, 1.0), "MULTIPLY"
    )
    roughness = _roughness(tree, rng, float(rng.uniform(0.32, 0.65)), 3.0)
    bsdf = tree.node(
        "ShaderNodeBsdfPrincipled",
        Base_Color=colour,
        Roughness=roughness,
        Specular_IOR_Level=float(rng.uniform(0.3, 0.7)),
    )
    tree.put(bsdf, "Subsurface Weight", float(rng.uniform(0.3, 1.0)))
    tree.put(bsdf, "Subsurface Radius", (1.0, 0.35, 0.2))
    tree.put(bsdf, "Subsurface Scale", float(rng.uniform(0.03, 0.10)))
    if rng.random() < 0.3:
        tree.put(bsdf, "Coat Weight", float(rng.uniform(0.05, 0.4)))
        tree.put(bsdf, "Coat Roughness", float(rng.uniform(0.15, 0.4)))
    pores = tree.pattern(rng, "noise", float(rng.uniform(15, 40)))
    bump = tree.node("ShaderNodeBump", Height=pores, Strength=float(rng.uniform(0.0, 0.25)), Distance=0.02)
    tree.put(bsdf, "Normal", bump.outputs[0])
    return tree.finish(bsdf.outputs[0], roughness, 0.0)


def tinted(rng: np.random.Generator, roughness: float, coat: float = 0.0) -> bpy.types.Material:
    """A plain dielectric over the mesh colour `tint`: eyes, lips of statues, painted things."""
    tree = Tree("tinted")
    tint = tree.node("ShaderNodeVertexColor", {"layer_name": "tint"}).outputs["Color"]
    bsdf = tree.node(
        "ShaderNodeBsdfPrincipled", Base_Color=tint, Roughness=roughness, Coat_Weight=coat, Coat_Roughness=0.03
    )
    return tree.finish(bsdf.outputs[0], roughness, 0.0)


def hair(rng: np.random.Generator, colour: tuple) -> bpy.types.Material:
    """Hair: a rough, slightly shiny dielectric that is cheap in small renders, with strand-wise colour noise."""
    tree = Tree("hair")
    noise = tree.pattern(rng, "noise", 4.0)
    dark = (*(c * float(rng.uniform(0.4, 0.9)) for c in colour[:3]), 1.0)
    mixed = tree.mix(noise, colour, dark)
    roughness = float(rng.uniform(0.3, 0.55))
    bsdf = tree.node(
        "ShaderNodeBsdfPrincipled",
        Base_Color=mixed,
        Roughness=roughness,
        Specular_IOR_Level=float(rng.uniform(0.3, 0.9)),
    )
    return tree.finish(bsdf.outputs[0], roughness, 0.0)
