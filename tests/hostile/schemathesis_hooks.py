"""What Schemathesis sends as a picture: loaded by it where ``SCHEMATHESIS_HOOKS`` names this module."""

import schemathesis
from hypothesis import strategies as st

from support.pictures import sample
from support.uploads.mutations import mutants
from support.uploads.pngs import pngs

# Sound ones, and damaged ones, of which it is enough that the answer is a documented one.
PICTURES = st.one_of(st.integers(0, 9).map(sample), pngs(), mutants())

schemathesis.openapi.media_type("image/png", PICTURES, aliases=["image/jpeg"])
