"""What a judge said is on disk as soon as it said it."""

from __future__ import annotations

from pathlib import Path

from mobench.store.replies import ReplyLog


def test_a_reply_outlives_whoever_asked_for_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "replies.jsonl"
    log = ReplyLog(path)
    assert log.get("a") is None
    log.keep("a", {"text": "7\né\u2028", "problem": "", "cut": False})
    assert ReplyLog(path).get("a") == {"text": "7\né\u2028", "problem": "", "cut": False}
    assert log.get("a") == ReplyLog(path).get("a")


def test_a_line_that_was_cut_off_loses_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    log = ReplyLog(path)
    log.keep("a", {"text": "1"})
    log.keep("b", {"text": "2"})
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    ReplyLog(path).keep("c", {"text": "3"})
    again = ReplyLog(path)
    assert again.get("a") == {"text": "1"}
    assert again.get("b") is None
    assert again.get("c") == {"text": "3"}


def test_what_an_older_file_knows_is_known_and_stays_there(tmp_path: Path) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    ReplyLog(old).keep("a", {"text": "1"})
    log = ReplyLog(new, old)
    assert log.get("a") == {"text": "1"}
    assert not new.exists()
    log.keep("b", {"text": "2"})
    assert ReplyLog(old).get("b") is None


def test_a_file_that_is_no_log_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(b'\xff\xfe\n[1]\n3\n{"text": "1"}\n')
    assert ReplyLog(path).get("1") is None
