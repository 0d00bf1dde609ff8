"""What client.py needs of the protocol without a socket: messages, frames, and the cursor rule."""
import hashlib, os, sys, tempfile
from collections import namedtuple
from pathlib import Path


def load_messages(proto=Path(__file__).resolve().parents[2] / "proto", source="chat/v1/chat.proto"):
    """Compiles chat.proto on the first run, into a cache named after its content."""
    digest = hashlib.sha256((proto / source).read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hubbub-client-py" / digest
    if not cache.exists():
        from grpc_tools import protoc
        cache.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=cache.parent)
        if protoc.main(["protoc", f"-I{proto}", f"--python_out={made}", source]) != 0:
            sys.exit("chat.proto does not compile")
        try:
            os.rename(made, cache)
        except OSError:  # another run was faster
            pass
    sys.path.insert(0, str(cache))
    from chat.v1 import chat_pb2
    return chat_pb2


pb = load_messages()
Verdict = namedtuple("Verdict", "entries cursor gap reset")


def framed(message):
    payload = message.SerializeToString()
    return len(payload).to_bytes(4, "big") + payload


def unframed(data, bytes_max=1 << 20):
    """The payload of the first frame (None until it is complete), and what follows it."""
    length = int.from_bytes(data[:4], "big")
    if len(data) >= 4 and not 0 < length <= bytes_max:
        raise ValueError(f"a frame of {length} bytes")
    return (data[4:4 + length], data[4 + length:]) if len(data) >= 4 + length > 4 else (None, data)


def follow(cursor, run):
    """The cursor rule. A cursor is [log_id, seq], or None when nothing is known of the log."""
    reset = cursor is not None and cursor[0] != run.log_id
    seq = 0 if cursor is None or reset else cursor[1]
    if run.after_seq > seq and not (run.HasField("skip_from_seq") and run.skip_from_seq <= seq):
        return Verdict([], [run.log_id, seq], True, reset)
    entries = [entry for entry in run.entries if entry.seq > seq]
    return Verdict(entries, [run.log_id, max(seq, run.after_seq + len(run.entries))], False, reset)
