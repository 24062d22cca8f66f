"""The documents: their paths exist, their lines are short, their tables are made of measurements."""

import re
import subprocess
import sys

import pytest

from benchmarks import tables
from tests.conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").rglob("*.md")])
FOLDERS = "arbsr_jax|benchmarks|configs|docs|notebooks|recipes|tests"
PATH = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\w|(?:train|evaluate)\.py|\.ci/run)")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")
MODULE = re.compile(r"(?:python -m |from |import )((?:arbsr_jax|benchmarks)[\w.]*)")
LONGEST = 200
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def anchors(text):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_path_that_a_document_names_exists(path):
    missing = [name for name in PATH.findall(path.read_text()) if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_module_that_a_document_names_exists(path):
    for name in MODULE.findall(path.read_text()):
        place = ROOT.joinpath(*name.split("."))
        assert place.is_dir() or place.with_suffix(".py").is_file(), name


def test_every_test_that_a_document_names_exists():
    named = {name for path in DOCUMENTS for name in re.findall(r"`(test_\w+)`", path.read_text())}
    modules = (ROOT / "tests").rglob("test_*.py")
    written = {name for path in modules for name in re.findall(r"def (test_\w+)", path.read_text())}
    assert len(named) > 30
    assert not named - written


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_link_leads_somewhere(path):
    for target, anchor in LINK.findall(path.read_text()):
        place = (path.parent / target).resolve() if target else path
        assert place.exists(), target
        assert not anchor or anchor in anchors(place.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_lines_and_cells_are_short(path):
    for line in path.read_text().splitlines():
        cells = line.strip("|").split("|") if line.startswith("|") else [line]
        assert max(map(len, cells)) <= LONGEST, line[:80]


def test_tables_are_made_of_measurements():
    result = subprocess.run([sys.executable, "-m", "benchmarks.tables", "--check"], cwd=ROOT, check=False)
    assert result.returncode == 0


def test_every_table_stands_in_a_document():
    names = [name for path in DOCUMENTS for _, name, _ in tables.PLACE.findall(path.read_text())]
    assert sorted(names) == sorted(tables.TABLES)


def test_no_document_sends_a_stranger_to_a_place_of_this_machine():
    for path in DOCUMENTS:
        assert not re.search(r"\.\./shared|/work/|/tmp/", path.read_text()), path.name


CODE = [*(ROOT / "arbsr_jax").rglob("*.py"), *(ROOT / "recipes").rglob("*.*"), *(ROOT / "benchmarks").glob("*.py")]
PROSE = sorted([*DOCUMENTS, *CODE])
# Words that a stranger stumbles over, and names for which the field has a word.
DIALECT = r"\b(woken|anew|told|untold|living masks?|masks? (?:that )?lives?|riddle)\b"
OLD_NAMES = (
    "fastest_on_cpu|bond|scale_numbers|in_backbone|ARBRCAN_OF_EXPERTS|most_lanes_of|enlarge_channels|faithful|Maker|"
    "take_out_norms|weigh_adaption|fresh_state|weights_for_use|copy_ends_of|remember|_known_or_new|_fitted|_holdable|_told"
)


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_words_are_those_of_the_field(path):
    if path.name == "CHANGELOG.md":
        return
    text = path.read_text()
    assert not re.findall(DIALECT, text, re.IGNORECASE)
    assert not re.findall(rf"\b(?:def|class|import) (?:{OLD_NAMES})\b", text)
