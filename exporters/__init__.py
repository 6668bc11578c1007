"""What other programs read: layered EXR, Nuke scripts, USD light rigs, farm jobs.

One module an exporter, and a line in the table of `core/cli/export.py`.
"""
