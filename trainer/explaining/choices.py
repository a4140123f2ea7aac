"""What a user chooses between. Apart from what does it, which needs packages that the command line does not."""

from enum import StrEnum


class Explanation(StrEnum):
    """What can be written beside the prediction."""

    CONTRIBUTIONS = "contributions"
    OCCLUSION = "occlusion"
    SHAPLEY = "shapley"
    INTERACTIONS = "interactions"
    PROOFS = "proofs"


class Engine(StrEnum):
    """What runs a job."""

    LOCAL = "local"
    RAY = "ray"
