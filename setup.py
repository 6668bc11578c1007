"""Maps the folders of the repository into the one importable name `relamp`.

Everything static stands in pyproject.toml; only the mapping needs code, so that a new sub-package needs no edit here.
"""

from setuptools import find_packages, setup

FOLDERS = ("core", "ui", "exporters", "nuke_plugin", "blender_plugin", "training")

packages = [
    f"relamp.{name}" for folder in FOLDERS for name in (folder, *(f"{folder}.{p}" for p in find_packages(folder)))
]

setup(packages=packages, package_dir={f"relamp.{folder}": folder for folder in FOLDERS})
