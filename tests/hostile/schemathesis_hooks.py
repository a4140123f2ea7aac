"""What Schemathesis sends as a picture: loaded by it where ``SCHEMATHESIS_HOOKS`` names this module."""

import os

import schemathesis
from hypothesis import strategies as st

from tests.helpers.pictures import sample
from tests.hostile.mutations import mutants
from tests.hostile.pngs import pngs

SOUND = st.integers(0, 9).map(sample)
HOSTILE = st.one_of(SOUND, pngs(), mutants())

# Sound ones must be accepted, whatever else is asked; of the others it is enough that the answer is a documented one.
PICTURES = HOSTILE if os.environ.get("KONKYO_PICTURES") == "hostile" else SOUND

schemathesis.openapi.media_type("image/png", PICTURES, aliases=["image/jpeg"])
