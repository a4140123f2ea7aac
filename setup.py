"""The packages, which setuptools does not find by itself in folders with other names; the rest is in pyproject.toml."""

from setuptools import find_packages, setup

FLOORS = "models", "service", "trainer"

setup(packages=["konkyo", *(f"konkyo.{name}" for name in find_packages() if name.partition(".")[0] in FLOORS)])
