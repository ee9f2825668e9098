"""A ceiling for work that must not grow with the square of its input, or faster.

It is no measure of speed: what stands within takes a second here at most, and on a machine twenty
times as slow it passes still. So an input has to be so large that the blow-up it is meant to show
would take minutes.
"""

import contextlib
import time
from collections.abc import Iterator

SECONDS = 30


@contextlib.contextmanager
def ceiling() -> Iterator[None]:
    begun = time.process_time()
    yield
    assert time.process_time() - begun < SECONDS
