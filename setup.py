"""Maps the folders of the repository into the one importable name `relamp`.

Everything static stands in pyproject.toml; only the mapping needs code, so that a new sub-package needs no edit here.
`training` makes what ships and needs a checkout: an editable install has it, a wheel does not.
"""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

FOLDERS = ("core", "ui", "exporters", "nuke_plugin", "blender_plugin")
CHECKOUT_ONLY = ("training",)


class BuildPy(build_py):
    """setuptools' own, which leaves the folders of the checkout alone out of wheels."""

    def run(self) -> None:
        if not self.editable_mode:
            self.packages = [name for name in self.packages if name.split(".")[1] not in CHECKOUT_ONLY]
        super().run()


folders = FOLDERS + CHECKOUT_ONLY
packages = [
    f"relamp.{name}" for folder in folders for name in (folder, *(f"{folder}.{p}" for p in find_packages(folder)))
]

setup(
    packages=packages,
    package_dir={f"relamp.{folder}": folder for folder in folders},
    cmdclass={"build_py": BuildPy},
)
