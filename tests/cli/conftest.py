from pathlib import Path

import pytest
from cli_site import DOMAIN, OWNER, Site
from fresh_rig import put_database


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.config.write_text(
        f'[site]\ndomain = "{DOMAIN}"\npostmasters = ["admin@owner.example"]\ndata_dir = "data"\n'
        '[[listen]]\naddress = "127.0.0.1:0"\n[delivery]\ntransport = "maildir"\n'
        '[dkim]\nkey_file = "dkim.pem"\n'
    )
    return made


@pytest.fixture
def with_list(site: Site) -> Site:
    site.data.mkdir(mode=0o700)
    put_database(site.data)
    site.ok("create", "TEST-L", "--owner", OWNER, "--title", "A test")
    return site
