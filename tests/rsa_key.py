"""One key for all tests that sign: to make one takes longer than most tests do.

It is made anew in each process; whoever needs a second one makes it himself.
"""

from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
