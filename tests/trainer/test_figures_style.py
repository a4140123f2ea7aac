from pathlib import Path

import numpy as np
from PIL import Image

from konkyo.service.drawing.primitives import colours
from konkyo.trainer.figures import style


def test_the_colours_are_those_of_the_services_pictures() -> None:
    ours = style.PAPER, style.HAIRLINE, style.TRACK, style.INK, style.MUTED, style.ACCENT, style.FIRST, style.SECOND
    names = "PAPER", "HAIRLINE", "TRACK", "INK", "MUTED", "ACCENT", "FIRST", "SECOND"
    assert ours == tuple(colours.hexadecimal("light")[getattr(colours, name)] for name in names)


def test_the_scales_are_those_of_the_services_pictures() -> None:
    values = np.linspace(-1, 1, 121)
    service = [colours.rgb("light", int(index)) for index in colours.diverging(values, 1)]
    ours = np.rint(style.DIVERGING((values + 1) / 2)[:, :3] * 255)
    assert np.abs(ours - service).max() <= 1


def test_a_drawing_is_a_png_and_the_same_again(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with style.drawing(tmp_path / "new" / f"{name}.png", "title", "said", 2, 1.5) as figure:
            figure.text(0.5, 0.5, "text")
    one, two = (path.read_bytes() for path in sorted((tmp_path / "new").iterdir()))
    assert one == two
    image = Image.open(tmp_path / "new" / "one.png")
    assert image.size == (288, round(144 * (1.5 + style.HEAD)))
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert "Software" not in image.info
