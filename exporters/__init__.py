"""Exports for other programs: layered EXR, Nuke scripts, USD light rigs, farm jobs.

One module for each exporter, and a line in the table of `core/cli/export.py`.
"""
