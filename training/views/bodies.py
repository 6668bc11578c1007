"""Bodies for the views: meshes of many people, made once and kept, since the package that makes them is slow to start.

    python -m relamp.training.views.bodies --out data/bodies --count 1200 --seed 1

Needs `anny` (Apache-2.0, its body data CC0), which brings torch and warp. Writes `bodies-SEED.npz` files of at most 400 bodies:
`vertices` (N, V, 3) int16 in tenths of a millimetre about `centre` (N, 3) float32 metres; `faces` (F, 3); `reference` (V,
3), the
neutral body, whose coordinates say where on a body a vertex is; `segment` (F,) of `SEGMENTS`. Z is up and bodies face -Y.
"""

# pyright: reportMissingImports=false
# anny lives in an environment of its own.

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Any

import numpy as np

UNIT = 1e-4  # metres of one step of the stored vertices
BATCH = 8
PER_FILE = 400
# Anny's labels of the segments that are told apart; 0 is all other skin.
SEGMENTS = {
    1: ["head"],
    2: ["eye_back.L", "eye_back.R"],
    3: ["eye_front.L", "eye_front.R"],
    4: ["eye_cavity.L", "eye_cavity.R"],
    5: ["mouth_cavity"],
    6: ["tongue"],
    7: ["hand.R", "hand.L"],
}
FACE_WORDS = ("nose", "head", "chin", "cheek", "eye", "mouth", "forehead", "ear", "neck")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/bodies"))
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    maker = Maker()
    for part in range(-(-given.count // PER_FILE)):
        path = given.out / f"bodies-{given.seed + part:05d}.npz"
        if path.exists():
            continue
        count = min(PER_FILE, given.count - part * PER_FILE)
        rng = np.random.default_rng([given.seed + part, zlib.crc32(b"bodies")])
        vertices = np.concatenate([maker.bodies(rng, min(BATCH, count - i)) for i in range(0, count, BATCH)])
        centre = vertices.mean(1)
        steps = np.round((vertices - centre[:, None]) / UNIT).astype(np.int16)
        part_path = path.with_suffix(".part.npz")
        np.savez_compressed(
            part_path,
            vertices=steps,
            centre=centre,
            faces=maker.faces,
            reference=maker.reference,
            segment=maker.segment,
        )
        part_path.rename(path)
        print(path, len(vertices), flush=True)


class Maker:
    """Anny's model, and bodies drawn from it."""

    def __init__(self) -> None:
        import anny
        import torch
        from anny.face_segmentation import get_face_segmentation_mask

        self._torch = torch
        self._model: Any = anny.Anny(local_changes="all", facial_actions="all", phenotypes="all").to(
            dtype=torch.float32
        )
        self._bones = {name: i for i, name in enumerate(self._model.bone_labels)}
        self._local = [k for k in self._model.local_change_labels if any(word in k for word in FACE_WORDS)]
        self.faces = np.asarray(self._model.faces, np.int32)
        self.segment = np.zeros(len(self.faces), np.uint8)
        for number, labels in SEGMENTS.items():
            self.segment[get_face_segmentation_mask(self._model, labels).numpy()] = number
        half = {k: torch.full((1,), 0.5) for k in self._model.phenotype_labels}
        half["age"] = torch.full((1,), 0.67)
        self.reference = self._posed(np.broadcast_to(np.eye(4), (1, len(self._bones), 4, 4)), half, {}, {})[0]

    def bodies(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """(count, V, 3) float32 metres."""
        torch = self._torch

        def tensor(values: np.ndarray) -> Any:
            return torch.tensor(values, dtype=torch.float32)

        phenotype = {k: tensor(self._phenotype(rng, k, count)) for k in self._model.phenotype_labels}
        local = {
            k: tensor(np.clip(rng.normal(0, 0.15 if "head" in k else 0.26, count), -0.7, 0.7)) for k in self._local
        }
        # A third of the faces is at rest, the others move some of their muscles a little or a lot.
        strength = rng.choice([0, 0.12, 0.35], count, p=[0.3, 0.35, 0.35])
        actions = {}
        for k in self._model.facial_action_labels:
            moves = np.abs(rng.normal(0, 1.6, count)) * strength * (rng.random(count) < 0.25)
            actions[k] = tensor(np.clip(moves, 0, 0.85))
        # Smiles and open mouths, which photographs are full of.
        for k, chance in (("mouthSmileLeft", 0.3), ("jawOpen", 0.25)):
            if k in actions:
                more = tensor(rng.uniform(0.2, 0.9 if "Smile" in k else 0.5, count) * (rng.random(count) < chance))
                actions[k] = torch.maximum(actions[k], more)
                if k.endswith("Left"):
                    actions[k[:-4] + "Right"] = torch.maximum(actions[k[:-4] + "Right"], more)
        return self._posed(self._poses(rng, count), phenotype, local, actions)

    def _posed(self, poses: np.ndarray, phenotype: dict, local: dict, actions: dict) -> np.ndarray:
        torch = self._torch
        with torch.no_grad():
            out = self._model(
                pose_parameters=torch.tensor(poses, dtype=torch.float32),
                phenotype_kwargs=phenotype,
                local_changes_kwargs=local,
                facial_actions=actions,
            )
        return out["vertices"].numpy().astype(np.float32)

    @staticmethod
    def _phenotype(rng: np.random.Generator, name: str, count: int) -> np.ndarray:
        if name == "age":  # an eighth are children
            return np.where(rng.random(count) < 0.12, rng.uniform(0.3, 0.5, count), rng.uniform(0.5, 1.0, count))
        spread = {
            "gender": (0, 1),
            "muscle": (0.25, 0.8),
            "weight": (0.2, 0.85),
            "height": (0.3, 0.7),
            "cupsize": (0.1, 0.5),
        }
        if name in ("african", "asian", "caucasian"):
            return rng.random(count) ** 1.5
        return rng.uniform(*spread.get(name, (0.3, 0.7)), count)

    def _poses(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """(count, bones, 4, 4): heads turn and tilt, spines bend, arms hang, fold or rise."""
        poses = np.broadcast_to(np.eye(4), (count, len(self._bones), 4, 4)).copy()

        def turn(which: int, bone: str, *turns: tuple[str, float]) -> None:
            if bone in self._bones:
                for axis, angle in turns:
                    poses[which, self._bones[bone], :3, :3] = poses[which, self._bones[bone], :3, :3] @ rotation(
                        axis, angle
                    )

        for b in range(count):
            nod, tilt, yaw = rng.normal(0, 0.18), rng.normal(0, 0.12), rng.normal(0, 0.3)
            for bone, share in (("neck01", 0.25), ("neck02", 0.25), ("neck03", 0.2), ("head", 0.3)):
                turn(b, bone, ("x", nod * share), ("y", tilt * share), ("z", yaw * share))
            for bone in ("spine01", "spine02", "spine03"):
                turn(b, bone, ("x", rng.normal(0, 0.07)), ("z", rng.normal(0, 0.09)))
            hang, bent = rng.uniform(-0.1, 0.6), rng.random() < 0.12
            for side, sign in ((".L", 1), (".R", -1)):
                swing = rng.normal(0, 0.5) if bent else rng.normal(0, 0.2)
                turn(b, "upperarm01" + side, ("y", sign * (hang + rng.normal(0, 0.2))), ("x", swing))
                turn(b, "lowerarm01" + side, ("x", rng.uniform(-2.2, -0.8) if bent else rng.uniform(-0.9, 0)))
                turn(b, "clavicle" + side, ("y", sign * rng.normal(0, 0.1)))
                turn(b, "upperleg01" + side, ("x", rng.normal(0, 0.2)), ("y", sign * rng.uniform(-0.15, 0.1)))
                turn(b, "lowerleg01" + side, ("x", abs(rng.normal(0, 0.25))))
        return poses


def rotation(axis: str, angle: float) -> np.ndarray:
    """(3, 3) about x, y or z, radians, right-handed."""
    c, s = np.cos(angle), np.sin(angle)
    matrices = {
        "x": [[1, 0, 0], [0, c, -s], [0, s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(matrices[axis])


if __name__ == "__main__":
    main()
