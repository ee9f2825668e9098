"""The door in: SMTP and LMTP, from a socket to an Envelope that the mail room keeps."""
