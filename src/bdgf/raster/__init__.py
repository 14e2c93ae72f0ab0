"""Rasters in pieces: blocks with halo, patches around pixels, interpolation, georeference."""
