"""Parts of `benchmarks/photographs.py`: its plates, its lights, and the numbers of harm. The mattes lie beside them."""
