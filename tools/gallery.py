"""``python -m tools.gallery``: every kind of picture, drawn by the running service from real test digits.

Writes docs/gallery.md with the pictures in docs/gallery, and the misread digits that it shows.
"""

from dataclasses import dataclass

from konkyo.service.drawing.layout.wording import article
from konkyo.trainer.data import read
from support.folders import ROOT
from support.server import running_service
from tools.examples import curl, save_digit

PICTURES = ROOT / "docs" / "gallery"
PAGE = ROOT / "docs" / "gallery.md"

# Legible test images that the default network predicts wrong, by number: what they show, and what is predicted.
MISREAD = {9019: (7, 2), 8160: (5, 3), 4429: (8, 5)}


# The number of the test image of a giraffe.
GIRAFFE = 857


@dataclass(frozen=True)
class Picture:
    """One picture of the gallery: its file's name, the digit it explains, what was asked, and what to see in it.

    Without a digit it is a picture of a network.
    """

    name: str
    digit: str | None
    question: str
    caption: str
    form: str = "png"

    @property
    def file(self) -> str:
        """Its name."""
        return f"{self.name}.{self.form}"

    @property
    def arguments(self) -> str:
        """Of the curl command that gives the picture."""
        joint = "&" if "?" in self.question else "?"
        upload = f"-F file=@docs/digits/{self.digit}.png " if self.digit else ""
        scale = "&scale=2" if self.form == "png" else ""
        return f"{upload}'localhost:8000{self.question}{joint}format={self.form}{scale}'"


FILTERS, OCCLUSION = "/explain/filters", "/explain/occlusion"
SHAPLEY, GROUNDS = "/explain/shapley", "/explain/grounds"

RIGHT = [
    Picture("predict", "5", "/predict", "The prediction, with the probability of each class."),
    Picture("process", "5", "/explain/process", "The whole way from the image to the prediction: the paper's Fig. 2."),
    Picture("filters", "5", FILTERS, "What each filter pair added to the 5: the paper's Fig. 3, and exact."),
    Picture("versus", "5", f"{FILTERS}?versus=3", "Why 5 and not 3: every number is the difference of two ledgers."),
    Picture("occlusion", "5", OCCLUSION, "What hiding each 2×2 region takes from the logit of the 5, or adds to it."),
    Picture(
        "critical",
        "9",
        f"{OCCLUSION}?region=4&stride=1",
        "Overlapping regions. If any one region inside an outline is hidden, the class on its tag is predicted.",
    ),
    Picture("pairs", "5", f"{OCCLUSION}?pairs=true", "What each filter pair loses when a part of the image is hidden."),
    Picture("shapley", "7", SHAPLEY, "What each region adds to the 7, over all combinations of hidden regions."),
    Picture(
        "shapley-pairs",
        "5",
        f"{SHAPLEY}?versus=3&pairs=true",
        "What each region adds to each filter pair, for 5 and against 3: it adds up both ways.",
    ),
    Picture(
        "grounds",
        "7",
        GROUNDS,
        "The fewest regions that prove the 7, however the others are hidden, and the fewest that change it.",
    ),
    Picture(
        "interactions",
        "9",
        f"{SHAPLEY}?interactions=true",
        "Which regions work together for the 9 (teal), and which against each other (ochre).",
    ),
    Picture(
        "grounds-ja",
        "9",
        f"{GROUNDS}?language=ja",
        "The grounds of a 9 as an SVG, in Japanese: its text is text.",
        "svg",
    ),
    Picture("grounds-lenet", "9", f"{GROUNDS}?model=lenet-6x16&theme=dark", "The same for LeNet's 6 and 16 filters."),
    Picture("summed", "5", f"{FILTERS}?model=summed-3x3", "The network with 922 parameters, explained the same way."),
    Picture(
        "lenet",
        "5",
        f"{FILTERS}?model=lenet-6x16&theme=dark",
        "LeNet's 6 and 16 filters, on dark: the pairs that add and take most, and what the others add together.",
    ),
    Picture("process-lenet", "5", "/explain/process?model=lenet-6x16", "The whole way with LeNet's 96 pairs."),
]

ANIMALS = [
    Picture("giraffe", "giraffe", f"{FILTERS}?model=animals-3x3&versus=horse", "Why a giraffe, and not a horse?"),
    Picture(
        "giraffe-grounds",
        "giraffe",
        f"{GROUNDS}?model=animals-3x3",
        "The regions that prove the giraffe, and the fewest without which it is another animal.",
    ),
    Picture(
        "giraffe-occlusion",
        "giraffe",
        f"{OCCLUSION}?model=animals-3x3&region=4&stride=1",
        "What the giraffe depends on: if any one region inside an outline is hidden, the tag says what is predicted.",
    ),
    Picture("giraffe-predict", "giraffe", "/predict?model=animals-6x16", "The same with LeNet's 6 and 16 filters."),
]

NETWORKS = [
    Picture(
        "usage",
        None,
        "/models/paired-3x3/filters",
        "Which filter pairs each class uses, over 1,000 correctly predicted images a class: the paper's Fig. 4.",
    ),
    Picture("usage-lenet", None, "/models/lenet-6x16/filters", "The same of LeNet's 96 pairs."),
]


def misread(number: int) -> list[Picture]:
    """A digit that is predicted wrong, and the questions that it raises."""
    truth, wrong = MISREAD[number]
    digit = f"misread-{number}"
    return [
        Picture(
            f"{number}-predict",
            digit,
            "/predict",
            f"{article(str(truth)).capitalize()}, predicted as {article(str(wrong))}.",
        ),
        Picture(
            f"{number}-versus",
            digit,
            f"{FILTERS}?target={truth}&versus={wrong}",
            f"Why not {truth}? Each pair with a negative number adds less to the {truth} than to the {wrong}.",
        ),
        Picture(
            f"{number}-grounds",
            digit,
            GROUNDS,
            f"The regions that prove the {wrong}, and the fewest without which it is not predicted.",
        ),
        Picture(
            f"{number}-occlusion",
            digit,
            f"{OCCLUSION}?target={truth}&versus={wrong}&region=4&stride=1",
            f"Hiding an ochre region raises the lead of {truth} over {wrong}. If any one region inside an outline "
            f"tagged {truth} is hidden, {truth} is predicted.",
        ),
    ]


def sections() -> dict[str, list[Picture]]:
    """The page: headings with their pictures."""
    wrong = {
        f"Wrong: {article(str(truth))} predicted as {article(str(other))}": misread(number)
        for number, (truth, other) in MISREAD.items()
    }
    return {"Right": RIGHT, **wrong, "Why a giraffe?": ANIMALS, "Networks": NETWORKS}


def main() -> None:
    images = read(ROOT / "tests" / "data", "t10k").images
    save_digit("giraffe", read(ROOT / "tests" / "data" / "animals", "t10k").images[GIRAFFE], page=False)
    for number in MISREAD:
        save_digit(f"misread-{number}", images[number])
    PICTURES.mkdir(exist_ok=True)
    with running_service() as address:
        for pictures in sections().values():
            for picture in pictures:
                answer = curl(f"curl -s {picture.arguments}".replace("localhost:8000", address))
                (PICTURES / picture.file).write_bytes(answer)
    PAGE.write_text(page())


def page() -> str:
    """The Markdown of docs/gallery.md."""
    parts = [
        "# Gallery",
        "Drawn by the service from test images with `make examples`; each command gives the picture above it.",
    ]
    for heading, pictures in sections().items():
        parts.append(f"## {heading}")
        for picture in pictures:
            parts.append(f"{picture.caption}")
            parts.append(f"![{picture.caption}](gallery/{picture.file})")
            parts.append(f"```sh\ncurl {picture.arguments} > {picture.file}\n```")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
