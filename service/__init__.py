"""The online floor: pictures in, readings and explanations out, as JSON and PNG. Stands on ``models``; no torch."""

import os

# The network's matrices are so small that sharing one between cores costs more than it saves, and the cores are the
# workers'. numpy reads this when it is first imported, which is after this line.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
