#!/usr/bin/env python3
"""A complete Hubbub client: a TCP socket, the official protobuf package, and the rules of proto/chat/v1/chat.proto.

    pip install -r requirements.txt
    ./client.py HOST PORT TOKEN DEVICE [--to-user ID TEXT]... [--to-group ID TEXT]... [--state FILE] [--expect N]

Prints `seq sender body` for each entry of each conversation. Ends when the log is synced, N entries were printed and all
sends are durable; with --follow it stays. With --state it continues where it stopped: cursors and unanswered sends are
kept in that file. Exit codes: 0 done, 1 out of time, 2 wrong usage, 3 refused by the server.
"""
import argparse, hashlib, importlib, json, os, random, secrets, select, socket, struct, sys, tempfile, time
from pathlib import Path

DELIVERED_ENTRIES, DELIVERED_S, FRAME_BYTES_MAX = 64, 0.2, 1 << 20


def load_messages(proto: Path):
    """Compiles chat.proto on the first run, into a cache that is named after its content."""
    digest = hashlib.sha256((proto / "chat/v1/chat.proto").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hubbub-client-py" / digest
    if not cache.exists():
        from grpc_tools import protoc
        cache.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=cache.parent)
        if protoc.main(["protoc", f"-I{proto}", f"--python_out={made}", "chat/v1/chat.proto"]) != 0:
            sys.exit("chat.proto does not compile")
        try:
            os.rename(made, cache)
        except OSError:
            pass  # another run was faster
    sys.path.insert(0, str(cache))
    return importlib.import_module("chat.v1.chat_pb2")


class Refused(Exception):
    """The server said no, and trying again will not help."""


class Client:
    def __init__(self, args, pb):
        self.args, self.pb = args, pb
        self.state = {"cursors": {}, "sends": []}  # cursors: conversation (hex) -> [log_id, seq]
        if args.state and args.state.exists():
            self.state = json.loads(args.state.read_text())
        self.heads, self.printed, self.synced, self.failures, self.keepalive_s = {}, 0, False, 0, 240.0
        for kind, sends in (("user", args.to_user), ("group", args.to_group)):
            for to, text in sends:
                self.state["sends"].append({"kind": kind, "to": int(to), "text": text, "name": secrets.token_hex(12),
                                            "after_seq": None})
        self.save()

    def save(self):
        if self.args.state:
            part = self.args.state.with_suffix(".part")
            part.write_text(json.dumps(self.state))
            os.replace(part, self.args.state)

    # ---- The connection ----

    def run(self):
        while not self.finished():
            wait_s = 0.0
            try:
                wait_s = self.connection()
            except (OSError, EOFError) as lost:
                print(f"connection lost: {lost}", file=sys.stderr)
            if not self.finished():
                self.failures += 1
                self.sleep_until(time.monotonic() + (wait_s or random.uniform(0.5, 1) * min(0.2 * 2**self.failures, 10)))

    def sleep_until(self, at):
        if at > self.args.deadline:
            sys.exit(1)
        time.sleep(max(0.0, at - time.monotonic()))

    def connection(self):
        """One connection from Hello to its end; returns how long the server wants the client to stay away."""
        self.next_id, self.waiting, self.repairing, self.dirty, self.ack_at = 1, {}, {}, {}, None
        self.retry_at, self.synced, self.retry_after_s, self.ready, self.unread = {}, False, 0.0, False, bytearray()
        with socket.create_connection((self.args.host, self.args.port), timeout=10) as self.socket:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.request(hello=self.pb.Hello(version_min=1, version_max=1, client_name="client.py", client_version="1"))
            self.request(login=self.pb.Login(jwt=self.args.token, device_id=self.args.device, platform="python"))
            try:
                while not self.finished():
                    self.read_some()
                    self.transmit_due(time.monotonic())
            except StopIteration:  # Bye
                return self.retry_after_s
            self.acknowledge()
        return 0.0

    def finished(self):
        return (self.synced and not self.args.follow and self.printed >= self.args.expect and not self.state["sends"])

    def request(self, request_id=None, **body):
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        payload = self.pb.ClientFrame(request_id=request_id, **body).SerializeToString()
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)
        self.wrote_at = time.monotonic()
        return request_id

    def read_some(self):
        now = time.monotonic()
        if now > self.args.deadline:
            sys.exit(1)
        wake = [self.args.deadline, self.wrote_at + self.keepalive_s, *self.retry_at.values()]
        wake += [self.ack_at] if self.ack_at else []
        if not select.select([self.socket], [], [], max(0.0, min(wake) - now))[0]:
            return
        received = self.socket.recv(65536)
        if not received:
            raise EOFError("closed by the server")
        self.unread += received
        while len(self.unread) >= 4:
            length = int.from_bytes(self.unread[:4], "big")
            if not 0 < length <= FRAME_BYTES_MAX:
                raise EOFError(f"a frame of {length} bytes")
            if len(self.unread) < 4 + length:
                break
            frame = self.pb.ServerFrame.FromString(bytes(self.unread[4:4 + length]))
            del self.unread[:4 + length]
            self.handle(frame.request_id, frame.WhichOneof("body"), frame)

    def transmit_due(self, now):
        if self.ack_at and now >= self.ack_at:
            self.acknowledge()
        if self.ready and now >= self.wrote_at + self.keepalive_s:
            self.request(ping=self.pb.Ping())
        for key in [key for key, at in self.retry_at.items() if at <= now]:
            del self.retry_at[key]
            self.transmit_send(next(send for send in self.state["sends"] if send["name"] == key))

    # ---- What the server says ----

    def handle(self, request_id, kind, frame):
        if kind == "welcome":
            self.keepalive_s = frame.welcome.keepalive_ms / 1000 or 240.0
        elif kind == "logged_in":
            self.begin(frame.logged_in.user_id)
        elif kind == "entries":
            self.take(request_id, frame.entries)
        elif kind == "synced":
            for state in frame.synced.conversations:
                self.heads[state.conversation.SerializeToString().hex()] = state.head
            self.synced |= not frame.synced.more and request_id == self.last_sync
        elif kind == "sent":
            self.state["sends"].remove(self.waiting.pop(request_id))
            self.save()
        elif kind == "bye":
            if frame.bye.reason == self.pb.Bye.REASON_REPLACED:
                raise Refused("replaced by another connection of this device")
            self.retry_after_s = frame.bye.retry_after_ms / 1000
            raise StopIteration
        elif kind == "error":
            self.refused(request_id, frame.error)

    def begin(self, user_id):
        """Logged in: continue the logs, repeat the marks, and send again what was not answered, before anything new."""
        self.user_id, self.ready, self.failures = user_id, True, 0
        cursors = [self.pb.Cursor(conversation=self.pb.Conversation.FromString(bytes.fromhex(key)), log_id=log_id, seq=seq)
                   for key, (log_id, seq) in self.state["cursors"].items()]
        pages = [cursors[at:at + 1000] for at in range(0, len(cursors), 1000)] or [[]]
        for page in pages:
            self.last_sync = self.request(sync=self.pb.Sync(cursors=page, include_others=page is pages[-1]))
        for cursor in cursors:
            self.request(0, delivered=self.pb.Delivered(conversation=cursor.conversation, up_to_seq=cursor.seq))
        for send in self.state["sends"]:
            self.transmit_send(send)

    def transmit_send(self, send):
        resend = send["after_seq"] is not None
        if not resend:  # kept before the first attempt, or a restart would not know that there was one
            low, high = sorted((self.user_id, send["to"]))
            direct = self.pb.Conversation(direct=self.pb.Direct(low=low, high=high))
            to = direct if send["kind"] == "user" else self.pb.Conversation(group=send["to"])
            key = to.SerializeToString().hex()
            send["after_seq"] = max(self.heads.get(key, 0), self.state["cursors"].get(key, [0, 0])[1])
            self.save()
        name = self.pb.MessageName(client_message_id=bytes.fromhex(send["name"]), resend=resend, after_seq=send["after_seq"])
        message = self.pb.Send(name=name, body=send["text"].encode(), **{send["kind"]: send["to"]})
        self.waiting[self.request(send=message)] = send

    def take(self, request_id, run):
        """The rule at `Entries` in chat.proto. What follows a gap is dropped here: History brings it again."""
        key = run.conversation.SerializeToString().hex()
        repair = self.repairing.get(key) == request_id != 0
        if repair:
            del self.repairing[key]
        log_id, cursor = self.state["cursors"].get(key, [run.log_id, 0])
        if log_id != run.log_id:
            cursor = 0
        jump = run.HasField("skip_from_seq") and run.skip_from_seq <= cursor
        if run.after_seq <= cursor or jump:
            for entry in run.entries:
                if entry.seq > cursor:
                    self.print_entry(entry)
            cursor = max(cursor, run.after_seq + len(run.entries))
            self.state["cursors"][key] = [run.log_id, cursor]
            self.note_received(key, len(run.entries))
        if (run.after_seq > cursor or (repair and run.head > cursor and run.entries)) and key not in self.repairing:
            history = self.pb.History(conversation=run.conversation, after_seq=cursor, limit=200)
            self.repairing[key] = self.request(history=history)

    def print_entry(self, entry):
        body = entry.event.WhichOneof("event") if entry.event_type == self.pb.EVENT_TYPE_APPLICATION else \
            entry.body.decode(errors="replace")
        print(entry.seq, entry.sender, body, flush=True)
        self.printed += 1

    def note_received(self, key, entries):
        self.dirty[key] = self.dirty.get(key, 0) + entries
        self.ack_at = self.ack_at or time.monotonic() + DELIVERED_S
        if sum(self.dirty.values()) >= DELIVERED_ENTRIES:
            self.acknowledge()

    def acknowledge(self):
        """Keeps the cursors first: "delivered" means that this device holds the entries."""
        self.save()
        for key in self.dirty:
            conversation = self.pb.Conversation.FromString(bytes.fromhex(key))
            self.request(0, delivered=self.pb.Delivered(conversation=conversation, up_to_seq=self.state["cursors"][key][1]))
        self.dirty, self.ack_at = {}, None

    def refused(self, request_id, error):
        if error.HasField("log_reset"):  # forget the cursor; the server goes on with the log by itself
            self.state["cursors"].pop(error.log_reset.conversation.SerializeToString().hex(), None)
        elif error.action == self.pb.Error.ACTION_RETRY and request_id in self.waiting:
            self.retry_at[self.waiting.pop(request_id)["name"]] = time.monotonic() + max(0.1, error.retry_after_ms / 1000)
        elif error.action == self.pb.Error.ACTION_RETRY:
            self.retry_after_s = error.retry_after_ms / 1000
            raise StopIteration
        else:
            if request_id in self.waiting:  # refused for good: a later run must not try it again
                self.state["sends"].remove(self.waiting[request_id])
                self.save()
            raise Refused(f"{self.pb.ErrorCode.Name(error.code)}: {error.message}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("device", type=int)
    parser.add_argument("--to-user", nargs=2, action="append", default=[], metavar=("ID", "TEXT"))
    parser.add_argument("--to-group", nargs=2, action="append", default=[], metavar=("ID", "TEXT"))
    parser.add_argument("--state", type=Path, help="file that keeps cursors and unanswered sends")
    parser.add_argument("--expect", type=int, default=0, help="entries to print before the end")
    parser.add_argument("--follow", action="store_true", help="stay until the timeout")
    parser.add_argument("--timeout", type=float, default=float("inf"), help="seconds; exit code 1 when they are over")
    parser.add_argument("--proto", type=Path, default=Path(__file__).resolve().parents[2] / "proto")
    args = parser.parse_args()
    args.deadline = time.monotonic() + min(args.timeout, 1e9)
    try:
        Client(args, load_messages(args.proto)).run()
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
