"""Parts of rasters: blocks with halo, patches around pixels, interpolation, georeference."""
