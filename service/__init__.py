"""The HTTP service: images in, predictions and explanations out, as JSON or PNG. It imports ``models`` and no torch."""

import os

# The matrices are so small that splitting a product between cores takes longer than computing it on one. numpy reads
# the variable when it is first imported, which is after this line.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
