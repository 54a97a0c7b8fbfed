from pathlib import Path

from container.settings import Settings

LISTED = """:env:.find-links='{0}/wheels'
:env:.disable-pip-version-check='1'
global.cert='{0}/bundle.crt'
global.constraint='{0}/caps.txt'
global.extra-index-url='file://{0}/mirror/simple https://example.invalid/simple'
global.find-links='{0}/other'
install.target='{0}/elsewhere'
"""


def _settings(folder: Path, **variables: str) -> Settings:
    for name in ("wheels", "mirror/simple", "mirror/packages", "other", "elsewhere"):
        (folder / name).mkdir(parents=True)
    for name in ("bundle.crt", "caps.txt"):
        (folder / name).touch()
    return Settings.read(LISTED.format(folder), variables)


def test_lends_where_packages_come_from_and_not_where_they_go(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    assert settings.text() == (
        "[global]\n"
        f"cert = {tmp_path}/bundle.crt\n"
        f"extra-index-url = file://{tmp_path}/mirror/simple https://example.invalid/simple\n"
        f"find-links = {tmp_path}/wheels\n"  # a variable wins over a file
    )
    assert settings.paths == [tmp_path / name for name in ("bundle.crt", "mirror", "wheels")]


def test_a_setting_over_several_lines_is_one_in_the_file() -> None:
    settings = Settings.read(r"global.find-links='\n/a\n/b'", {})
    assert settings.text() == "[global]\nfind-links = /a /b\n"
    assert settings.paths == []  # there are no such folders


def test_takes_the_bundle_that_other_programs_were_told_of(tmp_path: Path) -> None:
    assert Settings.read("", {"SSL_CERT_FILE": "/a.crt", "CURL_CA_BUNDLE": "/b.crt"}).options == {"cert": "/a.crt"}
    assert Settings.read("", {"SSL_CERT_FILE": "/a.crt", "PIP_CERT": "/c.crt"}).options == {"cert": "/c.crt"}
    assert _settings(tmp_path, SSL_CERT_FILE="/a.crt").options["cert"] == f"{tmp_path}/bundle.crt"  # pip's own is first


def test_lends_a_pip_conf_while_a_build_runs(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    with settings.mounts() as mounts:
        conf = Path(next(here for here, there in mounts.items() if there == "/etc/pip.conf"))
        assert conf.read_text() == settings.text()
        assert {here: there for here, there in mounts.items() if there != "/etc/pip.conf"} == {
            str(path): str(path) for path in settings.paths
        }
    assert not conf.exists()


def test_lends_nothing_where_pip_was_told_nothing() -> None:
    with Settings.read("", {}).mounts() as mounts:
        assert mounts == {}
    assert Settings.read("", {}).index == ""
    assert (
        Settings.read("global.index-url='https://example.invalid/simple'", {}).index == "https://example.invalid/simple"
    )
