"""The filters at the left and upper edge of the table of pairs."""

from konkyo.models.network import Network
from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.primitives.canvas import NOTE, Canvas
from konkyo.service.drawing.primitives.colours import MUTED, limit_of, signed_grey

FILTERS_NOTE = "Filters: grey is 0, ink the layer’s largest weight."


def draw_heads(canvas: Canvas, table: Table, network: Network) -> None:
    """Draw the conv1 filters beside the rows and the conv2 kernels above the columns, with their names.

    With summed wiring a conv2 filter has one kernel for each row, from top to bottom.
    """
    filters, kernels = network.weights["conv1.weight"], network.weights["conv2.weight"]
    limit = limit_of(filters)
    for i, weights in enumerate(filters):
        box = table.filter(i)
        canvas.tile(box, signed_grey(weights[0], limit))
        canvas.text(box.left - 8, (box.top + box.bottom) / 2 + 4, f"conv1[{i}]", NOTE, MUTED, align=1)

    shades = signed_grey(kernels, limit_of(kernels)).swapaxes(0, 1)
    canvas.tiles(table.kernel(0, 0), table.kernel_pitch, shades)
    for i in range(len(shades) if len(shades) > 1 else 0):
        box = table.kernel(i, 0)
        canvas.text(box.left - 8, (box.top + box.bottom) / 2 + 4, f"[{i}]", NOTE, MUTED, align=1)
    for j in range(len(kernels)):
        # Narrow columns have room for the name of the layer in the first only.
        label = f"[{j}]" if table.dense and j else f"conv2[{j}]"
        column = table.map(0, j)
        canvas.text((column.left + column.right) / 2, table.kernel(0, j).top - 9, label, NOTE, MUTED, align=0.5)
