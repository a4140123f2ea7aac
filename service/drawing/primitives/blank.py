"""A blank canvas of either form."""

from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Form, Style
from konkyo.service.drawing.primitives.vector import Vector


def blank(width: int, height: int, style: Style) -> Canvas:
    """A canvas of the form of a style; parameters as in ``Canvas``."""
    return (Vector if style.form is Form.SVG else Raster)(width, height, style)
