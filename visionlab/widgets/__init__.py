"""Explorers to play with: pictures with sliders, drawn in the browser."""

from visionlab.widgets.convolution_explorer import ConvolutionExplorer
from visionlab.widgets.receptive_field_explorer import ReceptiveFieldExplorer

__all__ = ["ConvolutionExplorer", "ReceptiveFieldExplorer"]
