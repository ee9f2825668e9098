"""`python -m listserv_py` is `listserv-py`."""

from listserv_py.cli.main import main

if __name__ == "__main__":
    main()
