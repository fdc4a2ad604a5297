"""Every command and every piece of code of README and docs does what its page says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from live_trader.verbs.door import enter
from tests.docs.session import ROOT, Session, blocks, needs

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LANGUAGES = {"console", "python", "toml", "json", "text", "ini", "csv", ""}


def pages() -> list[object]:
    """The pages with something to run; those that take long are marked."""
    found = [page for page in PAGES if any(each.language in ("console", "python") for each in blocks(page))]
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)), marks=[pytest.mark.slow, pytest.mark.timeout(600)])
        for page in found
    ]


@pytest.mark.parametrize("page", pages())
def test_what_a_page_tells_to_type_works(page: Path, tmp_path: Path) -> None:
    session = Session(tmp_path)
    try:
        session.prepare(needs(page))
        for block in blocks(page):
            session.run(block)
    finally:
        session.end()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_fence_says_what_it_is(page: Path) -> None:
    """And what is not run gives the reason."""
    for block in blocks(page):
        assert block.language in LANGUAGES, block.text
        if block.marker.startswith("shown"):
            assert len(block.marker) > 15, block.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_verb_a_page_names_is_there(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also in the running text: `instant-trader VERB` is a verb."""
    named = set(
        re.findall(
            r"instant-trader ([a-z][a-z-]+)(?: (list|show|make|verify|export|import))?", page.read_text()
        )
    )
    for verb, below in named:
        words = [verb, *([below] if verb in ("bundles", "tokens") and below else []), "--help"]
        assert enter(words) == 0, words
    capsys.readouterr()


def test_the_reference_is_what_the_program_is_now() -> None:
    """`python docs/reference.py` writes it anew."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    for name, page in reference.PAGES.items():
        assert (DOCS / "reference" / name).read_text() == page().rstrip() + "\n", name


def test_the_pages_build_offline_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    """A broken link or a page that nobody links to ends the build; nothing is loaded from elsewhere."""
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    built = list(site.rglob("*.html"))
    assert len(built) >= len(PAGES) - 1
    for page in built:
        loaded = re.findall(r"<(?:script|img|link)[^>]*?(?:src|href)=\"([^\"]+)\"", page.read_text())
        assert not [each for each in loaded if re.match(r"(https?:)?//", each)], page
