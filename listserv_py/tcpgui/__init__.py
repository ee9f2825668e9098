"""Port 2306: LISTSERV's TCPGUI, by which programs give commands and read their answers."""
