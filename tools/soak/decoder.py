"""``python -m tools.soak.decoder``: bytes of every kind into the decoder, half of them built like a PNG (goal 1)."""

import sys
from collections import Counter
from random import Random

from tests.hostile.decoding import READ, outcome, question
from tests.hostile.mutations import mutant
from tests.hostile.pngs import png
from tools.soak.memory import resident
from tools.soak.report import Check, Program, main, say

MAX_GROWTH = 20  # MiB
MAX_SHOWN = 3


def measure(count: int, seed: int) -> list[Check]:
    random = Random(seed)  # noqa: S311
    outcomes: Counter[str] = Counter()
    unforeseen = []
    warm_up = count // 10
    settled = resident()
    for number in range(count):
        if number == warm_up:
            settled = resident()
        built = number % 2 == 0
        data = png(random) if built else mutant(random)
        fit, polarity = question(random)
        try:
            outcomes["PNG " * built + outcome(data, fit, polarity)] += 1
        except Exception as error:
            unforeseen.append(error)
            if len(unforeseen) <= MAX_SHOWN:
                say(f"  input {number}: {type(error).__name__}: {error}; {data.hex()[:4000]}")
    growth = resident() - settled
    for name, times in sorted(outcomes.items()):
        say(f"  {times:>9,} {name}")
    read = outcomes["PNG " + READ]
    return [
        Check("no other outcome than 28×28 in [0, 1] or a refusal", f"{len(unforeseen)} others", not unforeseen),
        Check("built PNGs reach the pixels", f"{read:,} read", read > count // 40),
        Check(f"memory grows by less than {MAX_GROWTH} MiB after a tenth", f"{growth:+.1f} MiB", growth < MAX_GROWTH),
    ]


PROGRAM = Program(
    "decoder",
    "Decoder inputs, half of them built PNGs",
    100_000,
    measure,
    threats=("corrupt files", "many inputs"),
    http=False,
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
