"""Ensembles: named axes, their grids, and how these are computed, labelled and kept."""
