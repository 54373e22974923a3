"""Figures that tell how the service and the stock are doing."""
