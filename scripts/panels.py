#!/usr/bin/env python3
"""Draws the dashboards of deploy/grafana from a Prometheus, one picture each, to be looked at without a Grafana.

  scripts/panels.py --prometheus http://127.0.0.1:9090 --out pictures [--minutes 10] [overview shards ...]

It needs matplotlib (`python3 -m venv … && pip install matplotlib`). It draws what Grafana would: the same
expressions, units, thresholds and legends, and nothing more.
"""

import argparse
import json
import math
import pathlib
import time
import urllib.parse
import urllib.request

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.dates import DateFormatter, date2num  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402
import datetime  # noqa: E402

DASHBOARDS = pathlib.Path(__file__).resolve().parent.parent / "deploy" / "grafana"
COLOURS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffb357", "#96d98d", "#ca95e5"]
THRESHOLD = {"orange": "#ff9830", "red": "#f2495c", "green": "#73bf69"}
DARK, PANEL, TEXT = "#111217", "#181b1f", "#ccccdc"


def ask(prometheus, path, **parameters):
    url = f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)["data"]["result"]


def words(value, unit):
    """A value as Grafana writes it."""
    if value is None or math.isnan(value):
        return "no data"
    if unit in ("bytes", "Bps"):
        for prefix in ("B", "KiB", "MiB", "GiB", "TiB"):
            if abs(value) < 1024 or prefix == "TiB":
                return f"{value:.3g} {prefix}" + ("/s" if unit == "Bps" else "")
            value /= 1024
    if unit == "percentunit":
        return f"{value * 100:.3g}%"
    if unit == "s":
        if value == 0:
            return "0 s"
        for limit, factor, name in ((1e-3, 1e6, "µs"), (1, 1e3, "ms"), (120, 1, "s"), (7200, 1 / 60, "min"), (math.inf, 1 / 3600, "h")):
            if abs(value) < limit:
                return f"{value * factor:.3g} {name}"
    suffix = "/s" if unit == "ops" else ""
    for limit, factor, name in ((1e3, 1, ""), (1e6, 1e-3, " K"), (1e9, 1e-6, " M")):
        if abs(value) < limit:
            return f"{value * factor:.3g}{name}{suffix}"
    return f"{value:.3g}{suffix}"


def finite(value):
    return value if math.isfinite(value) else math.nan


def legend(template, labels):
    text = template
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return text.split("{{")[0].strip() or ", ".join(f"{name}={value}" for name, value in labels.items())


class Drawing:
    def __init__(self, arguments):
        self.prometheus, self.job, self.step = arguments.prometheus, arguments.job, arguments.step
        self.end = arguments.end or time.time()
        self.start = self.end - arguments.minutes * 60

    def expression(self, target):
        text = target["expr"].replace("$job", self.job).replace("$instance", ".*")
        return text.replace("$__rate_interval", f"{max(4 * self.step, 15)}s")

    def series(self, panel):
        for target in panel["targets"]:
            found = ask(self.prometheus, "query_range", query=self.expression(target), start=self.start, end=self.end, step=self.step)
            for one in found:
                times = [date2num(datetime.datetime.fromtimestamp(float(at))) for at, _ in one["values"]]
                yield legend(target["legendFormat"], one["metric"]), times, [finite(float(value)) for _, value in one["values"]]

    def panel(self, axes, panel):
        place = panel["gridPos"]
        defaults = panel["fieldConfig"]["defaults"]
        unit, steps = defaults["unit"], [step for step in defaults["thresholds"]["steps"] if step["value"] is not None]
        axes.set_facecolor(PANEL)
        axes.set_title(panel["title"], loc="left", color=TEXT, fontsize=9, fontweight="bold")
        lines = list(self.series(panel))
        if panel["type"] == "stat":
            return self.stat(axes, lines, unit, defaults)
        if not lines:
            axes.text(0.5, 0.5, "no data", color="#f2495c", ha="center", va="center", transform=axes.transAxes, fontsize=12)
        stacked = defaults["custom"]["stacking"]["mode"] == "normal"
        if stacked and lines:
            times = sorted({at for _, ats, _ in lines for at in ats})
            table = [[dict(zip(ats, values)).get(at, 0) for at in times] for _, ats, values in lines]
            axes.stackplot(times, table, labels=[name for name, _, _ in lines], colors=COLOURS, alpha=0.6)
        else:
            for number, (name, times, values) in enumerate(lines):
                axes.plot(times, values, label=name, color=COLOURS[number % len(COLOURS)], linewidth=1.1)
        top = max((value for _, _, values in lines for value in values if not math.isnan(value)), default=1)
        for step in steps:
            if step["value"] <= top * 1.5:
                axes.axhline(step["value"], color=THRESHOLD[step["color"]], linewidth=0.8, linestyle="--")
        axes.set_ylim(bottom=-0.02 * top if not stacked else 0, top=defaults.get("max") if "max" in defaults else (top * 1.15 or 1) if not stacked else None)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words(value, unit)))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlim(date2num(datetime.datetime.fromtimestamp(self.start)), date2num(datetime.datetime.fromtimestamp(self.end)))
        axes.tick_params(colors=TEXT, labelsize=6, length=0)
        axes.grid(color="#2c3235", linewidth=0.5)
        if lines:
            axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(-0.02, -0.07), ncols=max(2, int(place["w"] / 2)), facecolor=PANEL,
                        edgecolor="none", labelcolor=TEXT, columnspacing=1, handlelength=1.2)
        return len(lines)

    def stat(self, axes, lines, unit, defaults):
        steps = defaults["thresholds"]["steps"]
        values = [value for value in (lines[0][2] if lines else []) if not math.isnan(value)]
        value = values[-1] if values else None
        colour = steps[0]["color"]
        for step in steps[1:]:
            if value is not None and value >= step["value"]:
                colour = step["color"]
        text = words(value, unit) if value is not None else defaults.get("noValue", "no data")
        axes.text(0.5, 0.5, text, color=THRESHOLD[colour], ha="center", va="center", transform=axes.transAxes, fontsize=20)
        axes.set_xticks([])
        axes.set_yticks([])
        return len(lines)

    def dashboard(self, path, out):
        dashboard = json.loads(path.read_text())
        height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
        figure = plt.figure(figsize=(16, height * 0.36), facecolor=DARK)
        figure.text(0.01, 1 - 0.2 / height, dashboard["title"], color=TEXT, fontsize=13, va="top")
        counts = {}
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            bottom = 1 - (place["y"] + place["h"] + 1) / (height + 1)
            if panel["type"] == "row":
                figure.text(0.01, bottom + 0.2 / height, panel["title"], color="#9fa7b3", fontsize=10)
                continue
            left, width, tall = place["x"] / 24, place["w"] / 24, place["h"] / (height + 1)
            foot = 0.5 if panel["type"] == "stat" else 1.5
            axes = figure.add_axes((left + 0.035, bottom + foot / height, width - 0.045, tall - (foot + 1) / height))
            for spine in axes.spines.values():
                spine.set_color("#2c3235")
            counts[panel["title"]] = self.panel(axes, panel)
        figure.savefig(out, dpi=90, facecolor=DARK)
        plt.close(figure)
        return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("panels"))
    parser.add_argument("--job", default="hubbub")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--end", type=float, help="seconds since 1970 [default: now]")
    parser.add_argument("--step", type=int, default=2, help="seconds")
    parser.add_argument("names", nargs="*", help="dashboards [default: all]")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    drawing = Drawing(arguments)
    for path in sorted(DASHBOARDS.glob("*.json")):
        if not arguments.names or path.stem in arguments.names:
            counts = drawing.dashboard(path, arguments.out / f"{path.stem}.png")
            empty = [title for title, count in counts.items() if not count]
            print(f"{path.stem}: {len(counts)} panels" + (f"; no data: {', '.join(empty)}" if empty else ""))


if __name__ == "__main__":
    main()
