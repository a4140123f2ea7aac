"""LitServe with the same network in torch: the prediction, Captum's occlusion, or its plot of that occlusion.

The plot is the one that Captum makes with matplotlib, as a PNG.
"""

import sys
from io import BytesIO
from typing import Any

import litserve
import numpy as np
import torch
from captum.attr import Occlusion, visualization
from fastapi import Request, Response
from PIL import Image

from benchmarks.twin import twin
from konkyo.models.files.checkpoint import load_all


class Predict(litserve.LitAPI):  # type: ignore[misc]
    """An upload in, the logits out."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Load the network."""
        torch.set_num_threads(1)
        self.network = twin(load_all()["paired-3x3"].network)

    def decode_request(self, request: Request) -> torch.Tensor:
        """(1, 1, 28, 28)."""
        form: Any = request  # LitServe hands over the parsed form, and goes by the annotation
        image = np.asarray(Image.open(BytesIO(form["file"].file.read())), np.float32) / 255
        return torch.from_numpy(image)[None, None]

    def predict(self, image: torch.Tensor) -> dict[str, Any]:
        """The logits and the probabilities."""
        with torch.no_grad():
            logits = self.network(image)[0]
        return {
            "predicted": int(logits.argmax()),
            "logits": logits.tolist(),
            "probabilities": logits.softmax(0).tolist(),
        }

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """As it is."""
        return output


class Occlude(Predict):
    """An upload in, Captum's occlusion of the predicted class out: 196 regions in one evaluation."""

    def predict(self, image: torch.Tensor) -> dict[str, Any]:
        """The heatmap."""
        with torch.no_grad():
            target = int(self.network(image).argmax())
        return {"predicted": target, "drop": self.drops(image, target)[0, 0, ::2, ::2].tolist()}

    def drops(self, image: torch.Tensor, target: int) -> torch.Tensor:
        """(1, 1, 28, 28): each region's value at all of its pixels."""
        found: torch.Tensor = Occlusion(self.network).attribute(
            image, sliding_window_shapes=(1, 2, 2), strides=(1, 2, 2), target=target, perturbations_per_eval=196
        )
        return found


class Plot(Occlude):
    """An upload in, Captum's picture of its occlusion out."""

    def predict(self, image: torch.Tensor) -> Any:
        """A PNG."""
        with torch.no_grad():
            target = int(self.network(image).argmax())
        drops = self.drops(image, target)
        pixels = [one[0].permute(1, 2, 0).numpy() for one in (drops, image)]
        figure, _ = visualization.visualize_image_attr(*pixels, method="blended_heat_map", use_pyplot=False)
        written = BytesIO()
        figure.savefig(written, format="png")
        return written.getvalue()

    def encode_response(self, output: Any) -> Any:
        """The picture itself."""
        return Response(output, media_type="image/png")


# By what stands behind the port.
APIS = {"captum": Occlude, "plotted": Plot}

if __name__ == "__main__":
    api = APIS.get("".join(sys.argv[2:]), Predict)()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), generate_client_file=False, num_api_servers=1, log_level="warning")
