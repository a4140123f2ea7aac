"""LitServe with the same network in torch: the prediction, or with ``captum`` also Captum's occlusion."""

import sys
from io import BytesIO
from typing import Any

import litserve
import numpy as np
import torch
from captum.attr import Occlusion
from fastapi import Request
from PIL import Image

from konkyo.models.files.checkpoint import load_all
from konkyo.trainer.training.network import TrainableNetwork


class Predict(litserve.LitAPI):  # type: ignore[misc]
    """An upload in, the logits out."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Load the network."""
        torch.set_num_threads(1)
        network = load_all()["paired-3x3"].network
        self.network = TrainableNetwork(network.architecture)
        self.network.load_state_dict({name: torch.tensor(array) for name, array in network.weights.items()})
        self.network.eval()

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
        found = Occlusion(self.network).attribute(
            image, sliding_window_shapes=(1, 2, 2), strides=(1, 2, 2), target=target, perturbations_per_eval=196
        )
        return {"predicted": target, "drop": found[0, 0, ::2, ::2].tolist()}


if __name__ == "__main__":
    api = Occlude() if "captum" in sys.argv[2:] else Predict()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[1]), generate_client_file=False, num_api_servers=1, log_level="warning")
