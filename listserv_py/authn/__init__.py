"""Who really wrote a mail: DKIM signatures, and what our own MTA says of them."""
