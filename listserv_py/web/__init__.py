"""What we answer over HTTP: the pages behind links for one-click unsubscription, and figures."""
