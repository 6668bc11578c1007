"""What other programs read: layered EXR, Nuke scripts, USD light rigs, farm jobs. One module an exporter, one line in `table`."""
