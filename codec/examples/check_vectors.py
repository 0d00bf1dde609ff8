#!/usr/bin/env python3
"""Checks proto/vectors with the official protobuf package and the rules of wire.py. Exit code 0: all is as said."""
import json
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from wire import follow, framed, pb, unframed

VECTORS = Path(__file__).resolve().parents[2] / "proto" / "vectors"


def vectors(name):
    return json.loads((VECTORS / name).read_text())


def check_frames(name):
    """JSON to bytes, and bytes to JSON."""
    file = vectors(name)
    message = getattr(pb, file["message"].rsplit(".", 1)[1])
    for frame in file["frames"]:
        said, written = json_format.ParseDict(frame["json"], message()), bytes.fromhex(frame["hex"])
        assert framed(said) == written, frame["name"]
        payload, rest = unframed(written)
        assert rest == b"" and message.FromString(payload) == said, frame["name"]
        assert json_format.MessageToDict(message.FromString(payload)) == frame["json"], frame["name"]
    return len(file["frames"])


def outcome(case, frame_bytes_max):
    try:
        payload, _ = unframed(bytes.fromhex(case["hex"]), frame_bytes_max)
        if payload is None:
            return "incomplete"
        frame = (pb.ClientFrame if case["direction"] == "up" else pb.ServerFrame).FromString(payload)
    except (ValueError, DecodeError):
        return "bad_frame"
    return "message" if frame.WhichOneof("body") else "no_body"


def check_refused():
    file = vectors("refused_frames.json")
    for case in file["frames"]:
        assert outcome(case, file["frame_bytes_max"]) == case["outcome"], case["name"]
    return len(file["frames"])


def check_cursor_rule():
    cases = vectors("cursor_rule.json")["cases"]
    for case in cases:
        run = json_format.ParseDict(case["run"], pb.Entries())
        known = [case["cursor"]["log_id"], case["cursor"]["seq"]]
        verdict = follow(known if known[0] else None, run)
        assert [entry.seq for entry in verdict.entries] == case["report"], case["name"]
        after = case["cursor_after"]
        assert verdict.cursor == [after["log_id"], after["seq"]], case["name"]
        assert verdict.reset == (case["verdict"] == "log_reset"), case["name"]
        if not verdict.reset:
            assert (after["seq"] if verdict.gap else None) == case["ask_history_after"], case["name"]
    return len(cases)


if __name__ == "__main__":
    files = ["client_frames.json", "server_frames.json", "error_frames.json"]
    print(sum(map(check_frames, files)), "frames,", check_refused(), "refusals,", check_cursor_rule(), "cursor cases: as said")
