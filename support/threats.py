"""What the service must survive, and the tests that prove it: those marked ``@pytest.mark.threat("body flood")``.

docs/reliability.md shows both. The long runs of ``tools.soak`` name their threats in their ``PROGRAM``.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from support.folders import ROOT

# Threat → what is done about it.
THREATS = {
    "body flood": "a body has at most 256 KiB, tensors 8 MiB; more is a 413 before it is read, and is never kept",
    "bodies that do not end": "a whole body must arrive within 30 s, else 408; the edge, which collects uploads "
    "before it passes them on, only ends one that pauses for 5 s",
    "multipart bombs": "one file in one field, whatever the parser has to skip for it (CVE-2024-47874, 2025-54121, "
    "2026-54283; python-multipart 2024-53981, 2026-42561, 2026-53537)",
    "slow clients": "nginx in front ends a head that takes 3 s and a body that pauses for 5 s",
    "one client is everybody": "the edge has more places than one address may take, and all fit into its memory",
    "one address takes the queue": "at the edge an address has 32 places for whole requests, a quarter of the "
    "queue of two workers, and 4 for tensors, unfinished ones among them; where a worker's queue is full, the address "
    "that has most of it loses a place to another one",
    "answers that nobody reads": "the edge keeps no answer in a file: it takes it from the service as fast as the "
    "client reads, and ends a client that reads nothing for 10 s",
    "logs without end": "a container keeps 30 MB of log; health checks that succeed are not logged",
    "stuck shutdown": "half a request does not hold up the end for longer than the grace time",
    "pixel bomb": "at most 4 megapixels and 4,096 a side, counted before decoding",
    "format confusion": "PNG and JPEG alone, by their content; names and media types of clients are ignored",
    "animated pictures": "refused, 422",
    "corrupt files": "422 with a reason, never a 5xx",
    "silently wrong pixels": "one digit in every encoding is one digit: depth, palette, transparency, orientation",
    "images that are sound to the library and wrong": "as many bytes as the header says, no chunk of an animation, "
    "the transparent colour; a JPEG cut in its scans is refused where libjpeg warns",
    "work without bound in the decoder": "scans of a JPEG are counted before decoding, and of a PNG only the chunks "
    "that make pixels are read, and eXIf; what costs most is searched for with `python -m tools.soak.fuzz`",
    "CPU exhaustion": "one question of a worker computes at a time, a short queue before it, 503 with Retry-After "
    "beyond it",
    "the dearest question": "searched for, over images and options, with `python -m tools.soak.dearest`; a budget "
    "bounds every proof, a question waits at most 5 s, and cheap questions do not wait",
    "room is what a request occupies": "bodies as they came, results and answers that are not sent share 48 MiB a "
    "worker, of which an address has 32 at most; arrays are widened a piece at a time; a question that would hold too "
    "much beside those that have begun waits",
    "fair turns": "a question computes for 20 ms while others wait; turns go round by address, and then by question; "
    "an address has at most two of a worker's four places for batches",
    "a turn that nobody can take back": "every operation is done in pieces of some milliseconds, after each of which "
    "it may wait or be left; a question whose client has gone is left within two turns",
    "a question's cost grows with the network": "its cost, from shapes, decides whether it is answered at once, in the "
    "queue or with 422",
    "bodies and answers that nobody ends": "a client has 30 s for the whole body, and 30 s to read 48 KiB of an "
    "answer; then the connection ends, and its room is free",
    "sockets without a word, directly": "a whole head must come within 10 s; a worker has at most as many connections "
    "as it may open files, but for some, and says once a minute that there are more",
    "validation as a weapon": "a query has at most 2,048 bytes and 32 parameters, a JSON body 1,000 fields; at most "
    "ten errors of a query are named",
    "packages that are not what they were": "the image installs what requirements.txt lists, each file by its hash, "
    "the build backend as well; base images can be named by their digest",
    "pickle checkpoints": "safetensors alone, with names, shapes and hash checked; a changed file stops the start",
    "smuggling, bad Host, static traversal, Range storms": "400 and the end of the connection; only files that are "
    "listed are sent",
    "paths that two parsers read differently": "control characters and encoded slashes are 404; the edge names what "
    "is public",
    "error leakage, reflection": "a 500 has a fixed text, nothing of a request comes back, headers allow a browser "
    "nothing",
    "pages in a frame": "no answer may be framed, `/docs` included",
    "exposed metrics and docs": "not passed on by the edge; a setting turns `/docs` off",
    "metrics without bound": "labels are routes and known methods, never a client's text",
    "a log reader that stalls": "a line for which the pipe has no room is dropped and counted",
    "what stays after the end": "the folder of the metrics is removed",
    "picture folders": "only regular files of at most 64 MiB are read; a name need not be UTF-8",
    "files that are read offline": "one reader: regular files, sizes that are announced are checked before anything is "
    "unpacked or read, names of any bytes; one line each",
    "a network that costs": "what a question takes, and what checking takes, is counted before anything runs: more is "
    "refused at import",
    "links that ask too much": "a drawing in a link has at most 1 MiB, counted while it is unpacked; a question is "
    "one of the page's",
    "a name for this machine": "on a loopback address the service answers for its names alone, unless it is told "
    "others",
    "settings that fail open": "a name that resembles a setting, and text that yields nothing, stop the start",
}
# Goal → how much of it.
GOALS = {
    "many inputs": "images for the decoder, requests of Schemathesis with all its checks: no 5xx",
    "a killed worker": "`kill -9` under load loses at most what the worker was answering",
    "a change while it is asked": "replicas added and killed, workers restarted, another version, another network and "
    "back, under load of sixteen clients: nothing wrong, nothing lost",
    "four times the capacity": "goodput stays, the excess is refused at once",
    "many requests": "200,000 mixed ones: memory and descriptors stay",
    "many at once": "64 clients at once get the answers that each gets alone",
    "every byte of a checkpoint": "no change of any single one is accepted",
    "the container": "all of it read-only, as a plain user, without capabilities, with 512 MiB",
}


def proofs() -> dict[str, list[str]]:
    """Threat or goal → the tests that are marked with it, as pytest names them."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test, names in _marked(path):
            for name in names:
                found.setdefault(name, []).append(test)
    return found


def _marked(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The marked tests of a file, each with its threats."""
    functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))
    for node in functions:
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.threat":
                yield f"{path.relative_to(ROOT)}::{node.name}", [ast.literal_eval(name) for name in mark.args]
