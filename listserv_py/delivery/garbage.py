"""How often Python looks for values that only point at each other.

Each batch makes thousands of values, which all go by themselves when their copies are done: looking
at all of them again and again was a fifth of what the server spends on a copy.
"""

import gc

NEW = 50_000
"""So many values more than before are made before it looks: some megabytes."""


def look_seldom() -> None:
    """Once all is loaded: never look at that again, and at the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW, 20, 20)
