"""The names of material passes in renderers, hosts and estimators: one table, from which the accepted names are made.

Names are compared without regard to case, under any prefix (`ViewLayer.`). A renderer whose materials are written out by a
user's own shader output has no fixed name; those names are the ones its manuals and this page suggest. `docs/passes.md` shows
the table; a test checks that the two agree. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Maker:
    """The names of one program's passes, and their source. `glossiness` is 1 minus roughness.

    `normals` and `depth` are for information; those names are matched by `layers.NORMALS` and `layers.DEPTH`. `notes` state
    the space of the normals and the kind of depth.
    """

    program: str
    normals: tuple[str, ...]
    depth: tuple[str, ...]
    albedo: tuple[str, ...]
    roughness: tuple[str, ...]
    metallic: tuple[str, ...]
    notes: str
    source: str
    glossiness: tuple[str, ...] = ()


MAKERS = (
    Maker("Relamp", ("N",), ("depth.Z",), ("albedo",), ("roughness",), ("metallic",),
          "camera space; planar depth", "relamp passes"),
    Maker("Arnold", ("N",), ("Z",), ("diffuse_albedo", "albedo"), ("specular_roughness",), ("metalness",),
          "world space; roughness and metalness by an aov_write shader", "Arnold Developer Guide, AOVs; User Guide, LPE AOVs"),
    Maker("V-Ray", ("normals",), ("VRayZDepth",), ("VRayDiffuseFilter", "diffuseFilter"), (), ("VRayMtlMetalness",),
          "normals in the space the element is set to", "Chaos help, list of render elements",
          glossiness=("VRayMtlReflectGlossiness", "reflectGlossiness")),
    Maker("Redshift", ("N",), ("Z",), ("DiffuseFilter",), ("roughness",), ("metalness",),
          "world space; roughness and metalness by a custom AOV", "Maxon help, Redshift AOVs (not re-checked)"),
    Maker("Karma", ("N",), ("depth", "Pz"), ("basecolor", "albedo"), ("roughness",), ("metallic",),
          "world space; materials by a Karma AOV node", "SideFX help, Solaris AOVs; Karma AOV node"),
    Maker("RenderMan", ("Nn",), ("z",), ("albedo",), ("roughness",), ("metallic",),
          "camera space; materials by a PxrArbitraryAOV", "RenderMan documentation, AOVs (not re-checked)"),
    Maker("Cycles", ("Normal",), ("Depth", "Z"), ("DiffCol", "Diffuse Color"), ("roughness",), ("metallic",),
          "world space, Blender's axes; materials by a shader AOV", "Blender 5.0, files written and read"),
    Maker("Beeble", ("normal",), ("depth",), ("basecolor", "base_color", "BaseColor"), ("roughness",), ("metallic",),
          "camera space; one file a pass or layers", "Beeble's product page (names not re-checked)"),
    Maker("Nuke", ("N", "normals"), ("depth.Z",), ("albedo",), ("roughness",), ("metallic", "metalness"),
          "as rendered", "Nuke's built-in layers; names by convention"),
)  # fmt: skip
