#!/usr/bin/env python3
"""A Hubbub client: a TCP socket, the official protobuf package, and the rules of docs/protocol.md.

    client.py HOST PORT TOKEN DEVICE [--to-user ID TEXT]... [--to-group ID TEXT]... [--state FILE] [--expect N]

TOKEN is a JWT or a session token. Prints `seq sender body` for each entry. Ends when the logs are synced, N entries were
printed and all sends are durable. FILE keeps cursors and unanswered sends from one run to the next.
Exit codes: 0 done, 1 out of time, 2 usage, 3 refused.
"""
import argparse, json, os, random, secrets, socket, sys, time
from pathlib import Path

from wire import follow, framed, pb, unframed


class Client:
    def __init__(self, args):
        self.args, self.printed, self.failures, self.synced = args, 0, 0, False
        self.state = {"cursors": {}, "sends": []}  # cursors: conversation in hex -> [log_id, seq]
        if args.state and args.state.exists():
            self.state = json.loads(args.state.read_text())
        for kind, (to, text) in [("user", s) for s in args.to_user] + [("group", s) for s in args.to_group]:
            self.state["sends"].append({kind: int(to), "text": text, "name": secrets.token_hex(12), "after_seq": None})

    def save(self):
        if self.args.state:
            part = self.args.state.with_suffix(".part")
            part.write_text(json.dumps(self.state))
            os.replace(part, self.args.state)

    def done(self):
        return self.synced and self.printed >= self.args.expect and not self.state["sends"]

    def run(self):
        while not self.done():
            try:
                self.connection()
            except (OSError, ValueError) as lost:
                print(f"connection lost: {lost}", file=sys.stderr)
                self.failures += 1
                time.sleep(random.uniform(0.5, 1) * min(0.2 * 2**self.failures, 5))
            if time.monotonic() > self.args.deadline:
                sys.exit(1)

    def connection(self):
        self.next_id, self.waiting, self.repairs, self.dirty, self.ack_at, self.retries = 1, {}, {}, {}, None, []
        self.synced, self.keepalive_s, self.heard_at, unread = False, 240, time.monotonic(), b""
        with socket.create_connection((self.args.host, self.args.port), timeout=10) as self.socket:
            method = {"jwt" if self.args.token.count(".") == 2 else "session_token": self.args.token}
            self.request(hello=pb.Hello(version_min=1, version_max=1, client_name="client.py", client_version="1"))
            self.request(login=pb.Login(device_id=self.args.device, platform="python", **method))
            self.socket.settimeout(0.05)  # the clock of acknowledgements, retries and pings
            while not self.done():
                try:
                    if not (received := self.socket.recv(65536)):
                        raise ConnectionError("closed by the server")
                    unread, self.heard_at = unread + received, time.monotonic()
                except TimeoutError:
                    pass
                payload, unread = unframed(unread)
                while payload is not None:
                    frame = pb.ServerFrame.FromString(payload)
                    self.handle(frame.request_id, frame.WhichOneof("body"), frame)
                    payload, unread = unframed(unread)
                self.do_what_is_due(time.monotonic())
            self.acknowledge()

    def do_what_is_due(self, now):
        if now > self.args.deadline:
            sys.exit(1)
        if self.ack_at and now >= self.ack_at:
            self.acknowledge()
        if now > self.wrote_at + self.keepalive_s:
            self.request(ping=pb.Ping())
        if now > self.heard_at + self.keepalive_s + 30:
            raise ConnectionError("nothing was heard for too long")
        while self.retries and self.retries[0][0] <= now:
            self.send(self.retries.pop(0)[1])

    def request(self, request_id=None, **body):
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        self.socket.sendall(framed(pb.ClientFrame(request_id=request_id, **body)))
        self.wrote_at = time.monotonic()
        return request_id

    def handle(self, request_id, kind, frame):
        if kind == "welcome":
            self.keepalive_s = frame.welcome.keepalive_ms / 1000
        elif kind == "logged_in":
            self.begin(frame.logged_in.user_id)
        elif kind == "entries":
            self.take(request_id, frame.entries)
        elif kind == "synced":
            self.synced = not frame.synced.more
        elif kind == "sent":
            self.state["sends"].remove(self.waiting.pop(request_id))
            self.save()
        elif kind == "error":
            self.refused(request_id, frame.error)
        elif kind == "bye" and frame.bye.reason in (pb.Bye.REASON_REPLACED, pb.Bye.REASON_REVOKED):
            self.stop("replaced by another connection of this device, or logged out")
        elif kind == "bye":
            time.sleep(frame.bye.retry_after_ms / 1000)
            raise ConnectionError("the server says goodbye")

    def begin(self, user_id):
        """Continue the logs, repeat the marks, and send what was not answered, before anything new."""
        self.user_id, self.failures = user_id, 0
        cursors = [pb.Cursor(conversation=pb.Conversation.FromString(bytes.fromhex(key)), log_id=log_id, seq=seq)
                   for key, (log_id, seq) in self.state["cursors"].items()]
        self.request(sync=pb.Sync(cursors=cursors, include_others=True))  # at most 1,000 cursors in one Sync
        for cursor in cursors:
            self.request(0, delivered=pb.Delivered(conversation=cursor.conversation, up_to_seq=cursor.seq))
        for send in self.state["sends"]:
            self.send(send)

    def send(self, send):
        resend = send["after_seq"] is not None
        if not resend:  # kept before the first attempt, or a restart would not know that there was one
            low, high = sorted((self.user_id, send.get("user", 0)))
            direct = pb.Conversation(direct=pb.Direct(low=low, high=high))
            to = pb.Conversation(group=send["group"]) if "group" in send else direct
            send["after_seq"] = self.state["cursors"].get(to.SerializeToString().hex(), [0, 0])[1]
            self.save()
        name = pb.MessageName(client_message_id=bytes.fromhex(send["name"]), resend=resend, after_seq=send["after_seq"])
        to = {kind: send[kind] for kind in ("user", "group") if kind in send}
        self.waiting[self.request(send=pb.Send(name=name, body=send["text"].encode(), **to))] = send

    def take(self, request_id, run):
        """Shows what is new. What follows a gap is dropped here, for History brings it again."""
        key = run.conversation.SerializeToString().hex()
        repair = request_id != 0 and self.repairs.get(key) == request_id and self.repairs.pop(key)
        before = self.state["cursors"].get(key)
        verdict = follow(before, run)
        if verdict.reset or not verdict.gap:
            self.state["cursors"][key] = verdict.cursor
        for entry in verdict.entries:
            event = entry.event.WhichOneof("event")
            print(entry.seq, entry.sender, event or entry.body.decode(errors="replace"), flush=True)
        self.printed += len(verdict.entries)
        if not verdict.gap:
            self.dirty[key] = self.dirty.get(key, 0) + len(verdict.entries)
            self.ack_at = self.ack_at or time.monotonic() + 0.2
            if sum(self.dirty.values()) >= 64:
                self.acknowledge()
        more = repair and verdict.cursor != before and verdict.cursor[1] < run.head
        if verdict.reset:
            cursor = pb.Cursor(conversation=run.conversation, log_id=run.log_id, seq=verdict.cursor[1])
            self.request(sync=pb.Sync(cursors=[cursor]))
        elif (verdict.gap and not repair or more) and key not in self.repairs:
            history = pb.History(conversation=run.conversation, after_seq=verdict.cursor[1])
            self.repairs[key] = self.request(history=history)

    def acknowledge(self):
        self.save()  # first: "delivered" means that this device holds the entries
        for key in self.dirty:
            conversation, seq = pb.Conversation.FromString(bytes.fromhex(key)), self.state["cursors"][key][1]
            self.request(0, delivered=pb.Delivered(conversation=conversation, up_to_seq=seq))
        self.dirty, self.ack_at = {}, None

    def refused(self, request_id, error):
        send = self.waiting.pop(request_id, None)
        if error.HasField("log_reset"):  # forget the cursor; the server goes on with the log by itself
            key = error.log_reset.conversation.SerializeToString().hex()
            self.state["cursors"].pop(key, None), self.repairs.pop(key, None), self.dirty.pop(key, None)
        elif error.action == pb.Error.ACTION_RETRY and send:
            self.retries.append((time.monotonic() + max(0.1, error.retry_after_ms / 1000), send))
        elif error.action == pb.Error.ACTION_RETRY:
            raise ConnectionError(error.message)
        else:
            if send:  # for good: a later run must not try it again
                self.state["sends"].remove(send)
                self.save()
            self.stop(error.message)

    def stop(self, why):
        print(f"refused: {why}", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("device", type=int)
    parser.add_argument("--to-user", nargs=2, action="append", default=[], metavar=("ID", "TEXT"))
    parser.add_argument("--to-group", nargs=2, action="append", default=[], metavar=("ID", "TEXT"))
    parser.add_argument("--state", type=Path, help="keeps cursors and unanswered sends")
    parser.add_argument("--expect", type=int, default=0, help="entries to print before the end")
    parser.add_argument("--timeout", type=float, default=1e9, help="seconds")
    args = parser.parse_args()
    args.deadline = time.monotonic() + args.timeout
    Client(args).run()
