#!/usr/bin/env python3
"""Writes the Grafana dashboards in deploy/grafana. The panels are defined here and nowhere else.

  scripts/dashboards.py          write deploy/grafana/*.json
  scripts/dashboards.py --check  fail when a committed file is not what would be written
"""

import json
import pathlib
import sys

OUT = pathlib.Path(__file__).resolve().parent.parent / "deploy" / "grafana"
# Where docs/runbooks is to be read: Grafana itself serves it where the compose file mounts it; else change the variable.
RUNBOOKS = "/public/runbooks"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24

# What a panel shows is chosen with the dashboard's variables; every selector carries them.
S = 'job="$job",instance=~"$instance"'


def rate(metric, labels=""):
    return f"rate({metric}{{{S}{labels}}}[$__rate_interval])"


def quantile(q, histogram, by=""):
    return f"histogram_quantile({q}, sum by (le{by}) ({rate(histogram + '_bucket')}))"


def series(expression, legend):
    return expression, legend


def quantiles(histogram, *qs):
    return [series(quantile(q, histogram), f"p{str(q)[2:].ljust(2, '0')}") for q in qs or (0.5, 0.99)]


def by(label, counter, labels="", least="> 0"):
    """A counter's rate by a label, without what does not happen, and all of it: so that nothing is a line, and not "no data"."""
    return [series(f"sum({rate(counter, labels)})", "all"),
            series(f"sum by ({label}) ({rate(counter, labels)}) {least}", " ".join("{{" + one + "}}" for one in label.split(", ")))]


def families(metric):
    """A figure of the store by column family, the small ones together."""
    large = [("entries", "entries"), ("edits|reactions", "edits, reactions"), ("cursors", "cursors"), ("memberships|members", "members")]
    rest = "|".join(names for names, _ in large)
    return [series(f'sum({metric}{{{S},family=~"{names}"}})', words) for names, words in large] + [
        series(f'sum({metric}{{{S},family!~"{rest}"}})', "others")]


def of_max(used, most):
    return f"{used}{{{S}}} / {most}{{{S}}}"


class Panel:
    """One panel: a title, what it is about for somebody who sees it for the first time, and its series."""

    def __init__(self, title, about, unit, *targets, width=8, height=7, kind="timeseries", warn=None, bad=None,
                 low=False, stack=False, least=0, most=None, runbook=None, decimals=None, legend="list", nothing=None):
        self.title, self.about, self.unit, self.targets = title, about, unit, targets
        self.width, self.height, self.kind, self.stack = width, height, kind, stack
        self.warn, self.bad, self.low, self.least, self.most = warn, bad, low, least, most
        self.runbook, self.decimals, self.legend, self.nothing = runbook, decimals, legend, nothing

    def thresholds(self):
        """Colours from below upwards; `low` turns them round: small is bad."""
        if self.warn is None and self.bad is None:
            return {"mode": "absolute", "steps": [{"color": "green", "value": None}]}
        marks = [(self.warn, "orange"), (self.bad, "red")]
        if self.low:
            steps = [{"color": "red", "value": None}]
            steps += [{"color": "orange", "value": self.bad}] if self.bad is not None else []
            steps += [{"color": "green", "value": self.warn if self.warn is not None else self.bad}]
        else:
            steps = [{"color": "green", "value": None}]
            steps += [{"color": colour, "value": value} for value, colour in marks if value is not None]
        return {"mode": "absolute", "steps": steps}

    def custom(self):
        custom = {"lineWidth": 1, "fillOpacity": 30 if self.stack else 8, "showPoints": "never", "spanNulls": False}
        custom["stacking"] = {"mode": "normal" if self.stack else "none", "group": "A"}
        if self.warn is not None or self.bad is not None:
            custom["thresholdsStyle"] = {"mode": "line"}
        return custom

    def json(self, number, x, y):
        defaults = {"unit": self.unit, "thresholds": self.thresholds(), "min": self.least, "color": {"mode": "palette-classic"}}
        if self.most is not None:
            defaults["max"] = self.most
        if self.nothing is not None:
            defaults["noValue"] = self.nothing
        if self.decimals is not None:
            defaults["decimals"] = self.decimals
        if self.kind == "timeseries":
            defaults["custom"] = self.custom()
            options = {"legend": {"displayMode": self.legend, "placement": "bottom", "showLegend": True,
                                  "calcs": ["lastNotNull", "max"] if self.legend == "table" else []},
                       "tooltip": {"mode": "multi", "sort": "desc"}}
        else:
            defaults["color"] = {"mode": "thresholds"}
            options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                       "colorMode": "background" if self.warn is not None or self.bad is not None else "value",
                       "graphMode": "area", "textMode": "auto", "justifyMode": "auto", "orientation": "auto"}
        panel = {
            "id": number, "type": self.kind, "title": self.title, "description": self.about, "datasource": DATASOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
            "targets": [{"refId": chr(65 + n), "datasource": DATASOURCE, "expr": expression, "legendFormat": legend,
                         "range": self.kind == "timeseries", "instant": self.kind != "timeseries", "editorMode": "code"}
                        for n, (expression, legend) in enumerate(self.targets)],
        }
        if self.runbook:
            panel["links"] = [{"title": f"Runbook: {self.runbook}", "url": f"${{runbooks}}/{self.runbook}.md", "targetBlank": True}]
        return panel


def stat(title, about, unit, expression, **more):
    return Panel(title, about, unit, series(expression, ""), kind="stat", width=more.pop("width", 4), height=4, **more)


def row(title):
    return title


def variables():
    def query(name, label, text, multi):
        return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE, "query": {"query": text, "refId": name},
                "definition": text, "refresh": 2, "sort": 1, "multi": multi, "includeAll": multi,
                **({"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}} if multi else {})}
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}}
    runbooks = {"name": "runbooks", "label": "Runbooks", "type": "textbox", "query": RUNBOOKS, "hide": 2,
                "current": {"text": RUNBOOKS, "value": RUNBOOKS}, "options": [{"text": RUNBOOKS, "value": RUNBOOKS, "selected": True}]}
    return [source, runbooks, query("job", "Job", "label_values(hubbub_info, job)", False),
            query("instance", "Instance", 'label_values(hubbub_info{job="$job"}, instance)', True)]


def dashboard(name, title, about, *content):
    """Lays panels out from left to right; a string begins a row of its own."""
    panels, x, y, line = [], 0, 0, 0
    for number, item in enumerate(content, 1):
        if isinstance(item, str):
            y, x, line = y + line, 0, 0
            panels.append({"id": number, "type": "row", "title": item, "collapsed": False, "panels": [],
                           "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}})
            y += 1
            continue
        if x + item.width > WIDTH:
            y, x, line = y + line, 0, 0
        panels.append(item.json(number, x, y))
        x, line = x + item.width, max(line, item.height)
    return {
        "uid": f"hubbub-{name}", "title": f"Hubbub: {title}", "description": about, "tags": ["hubbub"], "schemaVersion": 39,
        "version": 1, "editable": True, "graphTooltip": 1, "refresh": "10s", "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser", "templating": {"list": variables()}, "panels": panels,
        "links": [{"type": "dashboards", "title": "Hubbub", "tags": ["hubbub"], "asDropdown": True, "includeVars": True, "keepTime": True},
                  {"type": "link", "title": "Runbooks", "url": "${runbooks}/README.md", "targetBlank": True, "icon": "doc"}],
        "annotations": {"list": [
            {"name": "Restarts", "datasource": DATASOURCE, "enable": True, "iconColor": "blue", "titleFormat": "started",
             "expr": f"changes(process_start_time_seconds{{{S}}}[1m]) > 0", "step": "15s"}]},
    }


def overview():
    return dashboard(
        "overview", "overview", "Is it up, is it fast, what is refused, what runs out first. Start here at night.",
        row("Now"),
        stat("Servers up", "Servers that Prometheus reaches, of all that it knows.", "percentunit",
             'avg(up{job="$job",instance=~"$instance"})', bad=0.5, warn=1, low=True, most=1, runbook="down"),
        stat("Ready", "Servers that take clients (/healthz). A server that starts or stops is not ready.", "percentunit",
             f"avg(hubbub_ready{{{S}}})", bad=0.5, warn=1, low=True, most=1, runbook="not-ready"),
        stat("Devices logged in", "Devices with an open, authenticated connection.", "short", f"sum(hubbub_devices_logged_in{{{S}}})"),
        stat("Messages", "Messages accepted from clients, a second.", "ops", f"sum({rate('hubbub_sends_total')})", decimals=1),
        stat("Ack, p99", "From the decision about a message to its acknowledgement: 99% are at most so long.", "s",
             quantile(0.99, "hubbub_ack_seconds"), warn=0.1, bad=1, runbook="commit-slow"),
        stat("Busiest shard", "CPU of the shard's thread. Above 90% messages begin to wait.", "percentunit",
             f"max({rate('hubbub_shard_busy_seconds_total')})", warn=0.75, bad=0.9, most=1, runbook="shard-saturated"),
        row("What people feel"),
        Panel("Acknowledgements", "Time from the decision about a message to its acknowledgement; the commit lies in it.", "s",
              *quantiles("hubbub_ack_seconds", 0.5, 0.9, 0.99), warn=0.1, bad=1, runbook="commit-slow"),
        Panel("Messages in and out", "In: accepted from clients. Out: copies handed to connections.", "ops",
              series(f"sum({rate('hubbub_sends_total')})", "in"), series(f"sum({rate('hubbub_entries_delivered_total')})", "out")),
        Panel("Refused, by reason", "Requests and connections that were answered with an error. `overloaded`, `storage_full` and "
              "`internal` are the server's fault; the others are the clients'.", "ops",
              *by("reason", "hubbub_refusals_total"), runbook="overloaded"),
        row("What runs out first"),
        Panel("Used, of what may be", "Each line is a part of its limit. What comes near 100% is refused next.", "percentunit",
              series(f"max({of_max('hubbub_connections', 'hubbub_connections_max')})", "connections"),
              series(f"max({of_max('process_open_fds', 'process_max_fds')})", "file descriptors"),
              series(f"max({of_max('process_resident_memory_bytes', 'hubbub_memory_limit_bytes')})", "memory"),
              series(f"max({of_max('hubbub_outbound_bytes', 'hubbub_outbound_max_bytes')})", "bytes for slow clients"),
              series(f"max(hubbub_commit_pending_bytes{{{S}}}) / max(hubbub_commit_pending_max_bytes{{{S}}})", "uncommitted bytes"),
              series(f"max({of_max('hubbub_password_hashes_waiting', 'hubbub_password_hashes_waiting_max')})", "password queue"),
              series(f"max({of_max('hubbub_store_reads_waiting', 'hubbub_store_reads_waiting_max')})", "read queue"),
              series(f"max(1 - hubbub_disk_free_bytes{{{S}}} / hubbub_disk_size_bytes{{{S}}})", "disk"),
              most=1, warn=0.8, bad=0.9, width=16, height=9, legend="table"),
        Panel("CPU of the process", "1 is one core.", "short",
              series(f"{rate('process_cpu_seconds_total')}", "{{instance}}"), height=9),
        Panel("Memory", "Resident memory. What the process may use stands above, in *Used, of what may be*.", "bytes",
              series(f"process_resident_memory_bytes{{{S}}}", "{{instance}}"), runbook="memory"),
        Panel("Disk free", "Free space of the disk with the data. Below the lower line sends are refused, and reads go on.", "bytes",
              series(f"hubbub_disk_free_bytes{{{S}}}", "{{instance}}"),
              series(f"max(hubbub_disk_free_min_bytes{{{S}}})", "sends are refused below"), runbook="disk-full"),
        Panel("Uptime", "Time since the start of the process.", "s",
              series(f"time() - process_start_time_seconds{{{S}}}", "{{instance}}"), runbook="restarts"),
    )


def shards():
    return dashboard(
        "shards", "shards", "One shard is one thread. What each does, and what waits for it.",
        row("Load"),
        Panel("Busy", "CPU of each shard's thread; 100% is a whole core. A single line far above the others is a hot conversation or user.",
              "percentunit", series(rate("hubbub_shard_busy_seconds_total"), "{{instance}} shard {{shard}}"), most=1, warn=0.75, bad=0.9,
              width=12, height=8, runbook="shard-saturated"),
        Panel("Turns", "Turns a second. The busier a shard, the fewer and larger its turns.", "ops",
              series(rate("hubbub_shard_turns_total"), "{{instance}} shard {{shard}}"), width=6, height=8),
        Panel("Time of a turn", "Nobody else of the same shard is served during a turn.", "s",
              *quantiles("hubbub_shard_turn_seconds", 0.5, 0.99, 0.999), width=6, height=8, warn=0.05, bad=0.5),
        row("Mailboxes"),
        Panel("Age of what waits", "How long the oldest of what was sent to a shard has waited at the moment of the scrape. A line that rises "
              "steadily is a shard that hangs.", "s", series(f"hubbub_mailbox_age_seconds{{{S}}}", "{{instance}} shard {{shard}}"),
              warn=0.1, bad=1, runbook="mailbox-age"),
        Panel("Waiting time", "How long what was sent to a shard had waited when it was taken in.", "s",
              *quantiles("hubbub_mailbox_wait_seconds", 0.5, 0.99, 0.999), warn=0.1, bad=1, runbook="mailbox-age"),
        Panel("Depth", "Messages in each mailbox. There is room for a limited number; beyond it senders keep what they can.", "short",
              series(f"hubbub_mailbox_depth{{{S}}}", "{{instance}} shard {{shard}}"), runbook="mailbox-age"),
        Panel("Found no room", "Messages that found a mailbox full, a second: entries become marks, receipts and signals are dropped.", "ops",
              series(f"sum by (instance) ({rate('hubbub_mailbox_refused_total')})", "{{instance}}"), bad=1, runbook="mailbox-age"),
        Panel("Backlog", "Messages that wait at a shard for room elsewhere.", "short",
              series(f"hubbub_mailbox_backlog{{{S}}}", "{{instance}} shard {{shard}}"), warn=1, bad=1024, runbook="mailbox-age"),
        Panel("Connections held", "Connections that are not read until mailboxes have room again.", "short",
              series(f"hubbub_connections_held{{{S}}}", "{{instance}}"), bad=1, runbook="mailbox-age"),
        row("What shards hold in memory"),
        Panel("Conversations", "Conversations in memory at their home.", "short",
              series(f"hubbub_conversations_loaded{{{S}}}", "{{instance}}")),
        Panel("Users watched", "Users whose presence somebody watches.", "short", series(f"hubbub_users_watched{{{S}}}", "{{instance}}")),
        Panel("Calls that ring", "Calls that nobody has taken or ended.", "short", series(f"hubbub_calls_ringing{{{S}}}", "{{instance}}")),
    )


def storage():
    return dashboard(
        "storage", "storage", "Commits, the store (RocksDB) and the disk.",
        row("Commits"),
        Panel("Time of a commit", "From the start of the write to durable, its sync included.", "s",
              *quantiles("hubbub_commit_seconds", 0.5, 0.99, 0.999), warn=0.1, bad=1, runbook="commit-slow"),
        Panel("Waiting for the commit thread", "Time that batches waited before they were written (`fsync`, or a store that would stall).", "s",
              *quantiles("hubbub_commit_queue_seconds", 0.5, 0.99), warn=0.1, bad=1, runbook="commit-slow"),
        Panel("Entries of a commit", "How many messages share one write. More is cheaper.", "short",
              series(f"sum({rate('hubbub_commit_batch_entries_sum')}) / (sum({rate('hubbub_commit_batch_entries_count')}) > 0)", "mean"),
              series(quantile(0.99, "hubbub_commit_batch_entries"), "p99")),
        Panel("Commits and syncs", "Writes and syncs of the write-ahead log, a second.", "ops",
              series(f"sum({rate('hubbub_commit_seconds_count')})", "commits"), series(f"sum({rate('hubbub_commit_syncs_total')})", "syncs")),
        Panel("Not yet durable", "Bytes that were decided and are not durable; beyond the limit sends are refused.", "bytes",
              series(f"hubbub_commit_pending_bytes{{{S}}}", "{{instance}} shard {{shard}}"), runbook="commit-slow"),
        Panel("Jobs at the commit thread", "Batches of turns that are not durable yet; at most two for each shard.", "short",
              series(f"hubbub_commit_jobs_waiting{{{S}}}", "{{instance}}")),
        row("Is the store behind?"),
        Panel("Writes stalled", "Part of the time in which commits waited for flushes and compactions; and whether all writes wait now.", "percentunit",
              series(rate("hubbub_store_stall_seconds_total"), "{{instance}}"), series(f"hubbub_store_writes_stopped{{{S}}}", "stopped now {{instance}}"),
              warn=0.01, bad=0.1, runbook="store-stalls"),
        Panel("Behind with compactions", "Bytes that RocksDB means to rewrite.", "bytes",
              series(f"hubbub_store_compaction_pending_bytes{{{S}}}", "{{instance}}"), runbook="store-stalls"),
        Panel("Running", "Flushes and compactions that run now.", "short",
              series(f"sum(hubbub_store_flushes_running{{{S}}})", "flushes"), series(f"sum(hubbub_store_compactions_running{{{S}}})", "compactions")),
        Panel("Files by level", "Many files at level 0 slow reads, and then writes.", "short",
              series(f"sum by (level) (hubbub_store_files{{{S}}}) > 0", "level {{level}}"), width=6, stack=True, runbook="store-stalls"),
        Panel("Slowed to", "To what rate RocksDB slows writes; 0: not at all.", "Bps",
              series(f"hubbub_store_delayed_write_bytes_per_second{{{S}}}", "{{instance}}"), width=6, runbook="store-stalls"),
        Panel("Would have waited", "Commits that a shard handed to the commit thread because the store would have made it wait.", "ops",
              series(rate("hubbub_store_stalls_total"), "{{instance}}"), width=6, runbook="store-stalls"),
        Panel("Failed in the background", "Flushes and compactions that failed. Any is a disk in trouble.", "short",
              series(f"increase(hubbub_store_background_errors_total{{{S}}}[1h])", "{{instance}}"), bad=1, width=6, runbook="store-errors"),
        row("Reads"),
        Panel("Cache hits", "Part of the blocks that were found in memory. Reads that ask memory alone count as misses, too.", "percentunit",
              series(f"sum({rate('hubbub_store_cache_hits_total')}) / (sum({rate('hubbub_store_cache_hits_total')}) + "
                     f"sum({rate('hubbub_store_cache_misses_total')}))", "hits"), most=1),
        Panel("Reads from disk", "Time of reads that the cache could not answer, their waiting included.", "s",
              *quantiles("hubbub_store_read_seconds", 0.5, 0.99), warn=0.1, bad=1, runbook="reads-wait"),
        Panel("Reads that wait", "Reads that no reader thread has answered.", "short",
              series(f"hubbub_store_reads_waiting{{{S}}}", "{{instance}}"), runbook="reads-wait"),
        row("Size"),
        Panel("Files by family", "What is on disk, dead rows included.", "bytes",
              *families("hubbub_store_bytes"), stack=True, runbook="disk-full"),
        Panel("Write-ahead log and memory", "The log on disk, what is not yet in files, and the block cache.", "bytes",
              series(f"sum(hubbub_store_wal_bytes{{{S}}})", "log"), series(f"sum(hubbub_store_memtable_bytes{{{S}}})", "not yet in files"),
              series(f"sum(hubbub_store_cache_bytes{{{S}}})", "block cache")),
        Panel("Rows by family", "About: what was replaced may count until it is compacted away.", "short",
              *families("hubbub_store_keys")),
        Panel("Bytes written", "To the log, by flushes and by compactions. All of it, divided by what the log gets, is the write amplification.", "Bps",
              series(f"sum({rate('hubbub_store_wal_written_bytes_total')})", "log"),
              series(f"sum({rate('hubbub_store_flush_written_bytes_total')})", "flushes"),
              series(f"sum({rate('hubbub_store_compaction_written_bytes_total')})", "compactions")),
        Panel("Disk", "Free space, and below what sends are refused.", "bytes", series(f"hubbub_disk_free_bytes{{{S}}}", "free {{instance}}"),
              series(f"max(hubbub_disk_free_min_bytes{{{S}}})", "sends are refused below"), runbook="disk-full"),
        Panel("Retention", "Entries that lost their bodies, and that were removed.", "ops",
              series(f"sum({rate('hubbub_entries_expired_total')})", "expired"), series(f"sum({rate('hubbub_entries_removed_total')})", "removed")),
    )


def sessions():
    return dashboard(
        "sessions", "sessions and edge", "Connections, logins, what clients send, and what is refused.",
        row("Connections"),
        Panel("Connections", "Open connections, and devices that are logged in.", "short",
              series(f"sum(hubbub_connections{{{S}}})", "connections"), series(f"sum(hubbub_devices_logged_in{{{S}}})", "devices logged in"),
              series(f"sum(hubbub_trunk_channels{{{S}}})", "channels of trunks"),
              runbook="connections-near-limit"),
        Panel("Not logged in", "Connections of which nobody knows yet whose they are.", "short",
              series(f"sum(hubbub_connections_unauthenticated{{{S}}})", "not logged in"), runbook="login-storm"),
        Panel("Opened and closed", "A second. Closed far above opened, or both high: clients that come back again and again.", "ops",
              series(f"sum({rate('hubbub_connections_accepted_total')})", "opened"), series(f"sum({rate('hubbub_closes_total')})", "closed"),
              runbook="login-storm"),
        Panel("Closed, by reason", "Why connections ended.", "ops",
              *by("reason", "hubbub_closes_total"), width=12),
        Panel("Of their limits", "Each line is a part of what may be; at 100% the next one is refused.", "percentunit",
              series(f"max({of_max('hubbub_connections', 'hubbub_connections_max')})", "connections"),
              series(f"max({of_max('hubbub_connections_unauthenticated', 'hubbub_connections_unauthenticated_max')})", "not logged in"),
              series(f"max({of_max('hubbub_trunk_channels', 'hubbub_trunk_channels_max')})", "channels of trunks"),
              series(f"max({of_max('process_open_fds', 'process_max_fds')})", "file descriptors"),
              width=12, most=1, warn=0.8, bad=0.9, runbook="file-descriptors"),
        row("TLS"),
        Panel("Connections, by listener", "Open connections by the kind of listener that they came by.", "short",
              series(f"sum by (transport) (hubbub_transport_connections{{{S}}})", "{{transport}}"), stack=True),
        Panel("Handshakes", "TLS handshakes that succeeded. Full ones cost most; whoever comes back has a ticket and resumes.", "ops",
              series(f"sum by (outcome, version) ({rate('hubbub_tls_handshakes_total')})", "{{outcome}}, TLS {{version}}"), runbook="tls-handshakes"),
        Panel("Handshakes that failed", "By reason. `alert`: clients refuse us, mostly for the certificate.", "ops",
              series(f"sum by (reason) ({rate('hubbub_tls_failures_total')})", "{{reason}}"), runbook="tls-handshakes"),
        stat("Certificate", "How long the certificate is still valid.", "s",
             f"min(hubbub_tls_certificate_until_seconds{{{S}}}) - time()", bad=172800, warn=1209600, low=True, least=None, width=8,
             nothing="TLS is off", runbook="tls-certificate"),
        row("Browsers"),
        Panel("HTTP answers", "By status. 101 is a WebSocket that began.", "ops", *by("status", "hubbub_http_answers_total")),
        Panel("No WebSocket", "Requests at /ws that did not become one. `origin`: a page of somebody else, or `http.origins` lacks one of yours.", "ops",
              *by("reason", "hubbub_upgrades_refused_total")),
        Panel("WebSockets closed", "By who said so, and the code: 1000 and 1001 are usual, 1002 and 1009 a client that breaks rules.", "ops",
              *by("code, by", "hubbub_websocket_closes_total")),
        row("Logins"),
        Panel("Logins, by method", "Logins that reached their user's home.", "ops",
              series(f"sum by (method) ({rate('hubbub_logins_total')})", "{{method}}"), stack=True, runbook="login-storm"),
        Panel("Syncs under way", "Clients that came back and do not have everything yet.", "short",
              series(f"sum(hubbub_syncs_open{{{S}}})", "syncs"), runbook="login-storm"),
        Panel("Passwords that wait", "For a thread that hashes. When the queue is full, logins with a password are refused.", "short",
              series(f"hubbub_password_hashes_waiting{{{S}}}", "{{instance}}"),
              series(f"max(hubbub_password_hashes_waiting_max{{{S}}})", "limit"), runbook="hash-queue"),
        Panel("Time for a password", "To hash or compare one, its waiting included.", "s",
              *quantiles("hubbub_password_hash_seconds", 0.5, 0.99), runbook="hash-queue"),
        Panel("Passwords", "Hashed or compared, and refused because too many waited.", "ops",
              series(f"sum({rate('hubbub_password_hashes_total')})", "done"), series(f"sum({rate('hubbub_password_hashes_refused_total')})", "refused"),
              runbook="hash-queue"),
        row("What clients do"),
        Panel("Frames in, by kind", "What clients send, a second: kinds of which there is at least one, and all of them.", "ops",
              *by("kind", "hubbub_frames_total", ',direction="in"', ">= 1"), legend="table"),
        Panel("Frames out, by kind", "What clients are sent, a second: kinds of which there is at least one, and all of them.", "ops",
              *by("kind", "hubbub_frames_total", ',direction="out"', ">= 1"), legend="table"),
        Panel("Bytes", "Of frames, without TCP and TLS.", "Bps",
              series("sum(" + rate("hubbub_frame_bytes_total", ',direction="in"') + ")", "in"),
              series("sum(" + rate("hubbub_frame_bytes_total", ',direction="out"') + ")", "out")),
        row("Refused"),
        Panel("By reason", "Error codes of the protocol.", "ops",
              *by("reason", "hubbub_refusals_total"), width=12, legend="table", runbook="overloaded"),
        Panel("By limit", "Which configured limit was met.", "ops",
              *by("setting", "hubbub_limited_total"), width=12, legend="table"),
    )


def fanout():
    return dashboard(
        "fanout", "fan-out", "From one message to everybody who follows the conversation.",
        row("How wide"),
        Panel("Copies for each message", "Copies handed to connections, divided by messages accepted.", "short",
              series(f"sum({rate('hubbub_entries_delivered_total')}) / (sum({rate('hubbub_sends_total')}) > 0)", "copies")),
        Panel("Width", "Connections of one shard that new entries went to at once.", "short",
              *quantiles("hubbub_fanout_connections", 0.5, 0.9, 0.99)),
        Panel("Copies", "Entries handed to connections, a second.", "ops",
              series(f"sum({rate('hubbub_entries_delivered_total')})", "copies"), series(f"sum({rate('hubbub_entries_committed_total')})", "entries")),
        row("Who is slow"),
        Panel("Lagging connections", "Connections that read too slowly for live entries and will continue from the log.", "short",
              series(f"hubbub_connections_lagging{{{S}}}", "{{instance}}"), runbook="lagging"),
        Panel("Bytes for slow clients", "Bytes that sockets did not take. Near the limit every connection may hold less.", "bytes",
              series(f"hubbub_outbound_bytes{{{S}}}", "{{instance}}"), runbook="lagging"),
        Panel("Fell behind", "Times that a session fell behind in a conversation and continued from the log, a second.", "ops",
              series(f"sum by (instance) ({rate('hubbub_resyncs_total')})", "{{instance}}"), runbook="resyncs"),
        Panel("Pages", "Pages of logs read for sessions that catch up or look back, a second.", "ops",
              series(f"sum({rate('hubbub_pages_total')})", "pages"), runbook="resyncs"),
        Panel("Signals dropped", "Typing and calls that found no room, a second. They are the first to go.", "ops",
              series(f"sum({rate('hubbub_signals_dropped_total')})", "dropped"), runbook="lagging"),
        Panel("Sent again", "Messages that came again and were already there: clients that lost their connection before the answer.", "ops",
              series(f"sum({rate('hubbub_resends_found_total')})", "found")),
        row("Trunks"),
        Panel("Trunks and channels", "Gateways' connections, and the clients in them.", "short",
              series(f"sum(hubbub_trunks{{{S}}})", "trunks"), series(f"sum(hubbub_trunk_channels{{{S}}})", "channels")),
        Panel("Blocked channels", "Channels with frames that wait, for credit or for their trunk.", "short",
              series(f"sum(hubbub_trunk_channels_blocked{{{S}}})", "blocked"), runbook="lagging"),
    )


def load():
    """What clients of hubbub-load see, beside what the server says. The harness's own job and instance do not matter: a run is one."""
    def seen(name, help_legend="p{{quantile}}"):
        return series(f"hubbub_load_{name}", help_legend)
    return dashboard(
        "load", "load test", "A run of hubbub-load with --metrics-listen: what its clients see, second by second, beside the server.",
        row("What clients see"),
        Panel("Messages", "Wanted by the schedule, acknowledged, and copies that arrived. Wanted above acknowledged: the server does not keep up.", "ops",
              series("rate(hubbub_load_sends_offered_total[$__rate_interval])", "wanted"),
              series("rate(hubbub_load_sends_accepted_total[$__rate_interval])", "acknowledged"),
              series("rate(hubbub_load_deliveries_total[$__rate_interval])", "copies delivered")),
        Panel("Delivery", "From the moment at which the schedule wanted a message to be sent to its arrival at each recipient.", "s",
              seen("delivery_seconds", "quantile {{quantile}}"), warn=0.1, bad=1),
        Panel("Acknowledgement", "From the intended send to the sender's acknowledgement.", "s",
              seen("ack_seconds", "quantile {{quantile}}"), warn=0.1, bad=1),
        Panel("Last recipient of a group", "From the intended send to the last member.", "s",
              seen("fanout_last_seconds", "quantile {{quantile}}")),
        Panel("On the way", "Sent and not answered; due and not arrived. Both must fall to 0 in the end.", "short",
              seen("sends_unanswered", "not answered"), seen("copies_in_flight", "copies on the way")),
        Panel("Clients", "Of the scenario, and logged in with everything caught up.", "short",
              seen("clients", "of the scenario"), seen("clients_synced", "synced")),
        row("Is the generator honest?"),
        Panel("Late", "How late messages were sent that the schedule wanted (p99). Much of this is time that the server did not cause.", "s",
              seen("slip_seconds", "p99"), warn=0.005, bad=0.05),
        Panel("Busiest thread", "CPU of the generator's busiest thread; near 1 it measures itself.", "percentunit",
              seen("thread_busy_ratio", "busiest"), most=1, warn=0.7, bad=0.9),
        Panel("Errors", "Errors of all kinds that clients met, a second.", "ops",
              series("rate(hubbub_load_errors_total[$__rate_interval])", "errors"), bad=1),
        row("The server meanwhile"),
        Panel("CPU", "1 is one core.", "short", series(rate("process_cpu_seconds_total"), "{{instance}}"), width=6),
        Panel("Busiest shard", "CPU of the busiest shard's thread.", "percentunit",
              series(f"max({rate('hubbub_shard_busy_seconds_total')})", "busiest"), most=1, warn=0.75, bad=0.9, width=6, runbook="shard-saturated"),
        Panel("Commits", "Time to make a batch durable.", "s", *quantiles("hubbub_commit_seconds", 0.5, 0.99), width=6, runbook="commit-slow"),
        Panel("Behind and refused", "Sessions that fell behind, and requests that were refused, a second.", "ops",
              series(f"sum({rate('hubbub_resyncs_total')})", "fell behind"), series(f"sum({rate('hubbub_refusals_total')})", "refused"), width=6,
              runbook="resyncs"),
    )


DASHBOARDS = {"overview": overview, "shards": shards, "storage": storage, "sessions": sessions, "fanout": fanout, "load": load}


def main():
    check = "--check" in sys.argv[1:]
    stale = []
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = {f"{name}.json": json.dumps(make(), indent=1, ensure_ascii=False) + "\n" for name, make in DASHBOARDS.items()}
    for name, text in wanted.items():
        path = OUT / name
        if check:
            stale += [name] if not path.exists() or path.read_text() != text else []
        else:
            path.write_text(text)
    stale += [path.name for path in OUT.glob("*.json") if check and path.name not in wanted]
    if stale:
        sys.exit(f"deploy/grafana is not what scripts/dashboards.py writes: {', '.join(sorted(stale))}; run it and commit")


if __name__ == "__main__":
    main()
