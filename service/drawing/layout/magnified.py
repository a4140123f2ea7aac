"""Layout of pictures with a magnified heatmap of the image, in which each pixel is a square, and a column beside it."""

from dataclasses import dataclass

from konkyo.service.drawing.layout.grid import square, unit
from konkyo.service.drawing.primitives.canvas import MARGIN, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import Array, diverging, printed

# In logical units: about the sides of the image and of the heatmap, and the distance between them.
_IMAGE, _MAP, _GAP = 112, 336, 24
OUTLINE = 2


@dataclass(frozen=True)
class Magnified:
    """The image on the left, and its heatmap on the right.

    Parameters
    ----------
    side
        Of the image, in pixels.
    """

    side: int

    @property
    def pixel(self) -> int:
        """Side of a pixel in the heatmap."""
        return unit(self.side, _MAP)

    @property
    def image(self) -> Box:
        """The image."""
        return square(MARGIN, TOP, self.side * unit(self.side, _IMAGE))

    @property
    def map(self) -> Box:
        """The heatmap."""
        return square(self.image.right + _GAP, TOP, self.side * self.pixel)

    def box(self, row: int, column: int) -> Box:
        """The square of a pixel in the heatmap."""
        return square(self.map.left + column * self.pixel, self.map.top + row * self.pixel, self.pixel)

    @property
    def column(self) -> int:
        """Width of the text beneath the image."""
        return self.map.left - MARGIN - 6

    @property
    def caption(self) -> int:
        """Baseline of the text beneath the heatmap."""
        return self.map.bottom + 28

    @property
    def height(self) -> int:
        """Height of the picture."""
        return self.caption + 20

    def draw(self, canvas: Canvas, image: Array, heat: Array, limit: float) -> None:
        """Draw the image, and the heatmap with the image in it.

        Grey images are dots of ink on the heat, whose areas are proportional to the ink. Colour images are printed over
        it in greys.
        """
        canvas.image(self.image, image)
        shades = diverging(heat, limit)
        if image.ndim == 3:
            canvas.photo(self.map, printed(shades, image, canvas.style.theme))
        else:
            canvas.tile(self.map, shades)
            canvas.dots(self.map, image)
