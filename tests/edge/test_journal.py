"""The journal keeps what it took, whatever is done to its tail, and knows when its middle is damaged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.edge.journal import Journal, holder, parts, records
from live_trader.errors import BadData, Refused


def kept(folder: Path) -> list[bytes]:
    return [record for path in parts(folder) for _, record in records(path)]


def filled(folder: Path, *texts: bytes) -> None:
    with Journal(folder) as journal:
        journal.begin(texts[0])
        for text in texts[1:]:
            journal.append(text)


def test_what_was_taken_is_read_back_in_order_and_over_several_parts(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.begin(b'{"first": 1}')
        journal.append(b"two")
        journal.begin(b"three")
    with Journal(tmp_path) as journal:
        journal.append(b"four")
    assert [path.name for path in parts(tmp_path)] == ["journal-000001.log", "journal-000002.log"]
    assert kept(tmp_path) == [b'{"first": 1}', b"two", b"three", b"four"]


@settings(max_examples=40)
@given(cut=st.integers(1, 30), noise=st.binary(max_size=8))
def test_a_tail_torn_anywhere_is_cut_to_whole_records_and_the_journal_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    texts = [b"one", b"second record", b"the third of them"]
    filled(folder, *texts)
    path = parts(folder)[0]
    whole = path.read_bytes()
    torn = whole[: len(whole) - cut] + noise.replace(b"\n", b"")
    path.write_bytes(torn)
    with Journal(folder) as journal:
        assert journal.cut == len(torn) - (torn.rfind(b"\n") + 1)
        journal.append(b"after")
    found = kept(folder)
    assert found[-1] == b"after"
    assert found[:-1] == texts[: len(found) - 1]
    assert len(found) >= 2


def test_damage_in_the_middle_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    filled(tmp_path, b"one", b"two", b"three")
    path = parts(tmp_path)[0]
    text = bytearray(path.read_bytes())
    text[16] ^= 1
    path.write_bytes(bytes(text))
    with pytest.raises(BadData, match="damaged at byte 13"):
        kept(tmp_path)
    with pytest.raises(BadData, match="damaged"):
        Journal(tmp_path)


def test_one_process_has_it_and_the_lock_says_which_until_it_is_killed(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    code = (
        "import sys, time; from pathlib import Path; from live_trader.edge.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1])); print('open', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    assert holder(tmp_path) == other.pid
    with pytest.raises(Refused, match="another process"):
        Journal(tmp_path)
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    other.stdout.close()
    assert holder(tmp_path) is None
    Journal(tmp_path).close()


def test_a_part_that_was_only_drafted_when_the_process_died_does_not_exist(tmp_path: Path) -> None:
    filled(tmp_path, b"one")
    (tmp_path / "journal-000002.new").write_bytes(b"half a rec")
    with Journal(tmp_path) as journal:
        journal.begin(b"two")
    assert kept(tmp_path) == [b"one", b"two"]
