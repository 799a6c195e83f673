"""From the raw results to a table and a plot. `python -m benchmarks.report results.json` writes both beside it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

__all__ = ["best", "markdown", "plot"]

OURS = "steepest"
TARGETS = (1e-4, 1e-6, 1e-9)
Cell = dict[str, Any]
Shot = dict[str, Any]


def best(cell: Cell, target: float, ours: bool) -> Shot | None:
    """The quickest setting, the default apart, that reached the target: of steepest, or of all the others.

    Where some were repeated, only these count: the luckiest of many single runs is no fair time.
    """
    reached = [
        shot
        for shot in cell["shots"]
        if (shot["solver"] == OURS) == ours and shot["rel"] <= target and shot["setting"] != "default"
    ]
    repeated = [shot for shot in reached if len(shot["seconds"]) > 1]
    return min(repeated or reached, key=lambda shot: float(shot["median"]), default=None)


def ratio(cell: Cell, target: float) -> float:
    """Seconds of the best peer over ours; 0: we did not get there; infinite: no peer did; nan: nobody did."""
    peer, own = best(cell, target, ours=False), best(cell, target, ours=True)
    if own is None:
        return math.nan if peer is None else 0.0
    return math.inf if peer is None else float(peer["median"]) / float(own["median"])


def seconds(value: float) -> str:
    """Three figures, in the unit that suits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def _show(shot: Shot | None) -> str:
    if shot is None:
        return "–"
    once = " ¹" if len(shot["seconds"]) == 1 else ""
    return f"{seconds(shot['median'])}{once} ({shot['solver']}, {shot['setting']})"


def _took_part(cell: Cell) -> bool:
    """Was steepest asked at all? A solver that declined, failed or was too slow has lost."""
    tried = {shot["solver"] for shot in cell["shots"]} | {solver for solver, _, _ in cell["failed"]}
    return OURS in tried | set(cell["skipped"])


def _ratio_text(value: float) -> str:
    if math.isnan(value):
        return "nobody"
    if value == 0.0:
        return "**lost: not reached**"
    if math.isinf(value):
        return "no peer"
    return f"{value:.2f}" if value >= 1.0 else f"**lost: {value:.2f}**"


def _summary(results: dict[str, Any]) -> list[str]:
    lines = [
        "| cell | threads | to rel. error | best peer | steepest | ratio | floor |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for cell in results["cells"]:
        for target in TARGETS:
            peer, own = best(cell, target, ours=False), best(cell, target, ours=True)
            floor = "" if cell["floor"] is None else f"{cell['floor']:g}"
            lines.append(
                f"| {cell['cell']} | {cell['threads']} | {target:.0e} | {_show(peer)} | {_show(own)} "
                f"| {_ratio_text(ratio(cell, target)) if _took_part(cell) else 'not run'} | {floor} |"
            )
    return lines


def _solvers(cell: Cell) -> list[str]:
    """Every solver of one cell: its time to each target, its default with the error, its memory."""
    head = f"### {cell['cell']}, {cell['threads']} thread{'s' * (cell['threads'] > 1)}"
    shape = " x ".join(f"{size:,}" for size in cell["shape"])
    lines = [
        head, "", f"{cell['about']} ({shape}); F* known to {abs(cell['unknown_of_optimum']):.0e}.", "",
        "| solver | 1e-4 | 1e-6 | 1e-9 | default | its error | peak above the input |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for solver in dict.fromkeys(shot["solver"] for shot in cell["shots"]):
        own = {**cell, "shots": [shot for shot in cell["shots"] if shot["solver"] == solver]}
        found = [best(own, target, ours=solver == OURS) for target in TARGETS]
        times = [
            "–" if shot is None else seconds(shot["median"]) + " ¹" * (len(shot["seconds"]) == 1) for shot in found
        ]
        default = next((shot for shot in own["shots"] if shot["setting"] == "default"), None)
        tier = ["–", "–"] if default is None else [seconds(default["median"]), f"{default['rel']:.1e}"]
        peak = max(shot["peak"] for shot in own["shots"])
        share = f"{peak / 1e6:.0f} MB ({peak / cell['input_bytes']:.0%})"
        lines.append(f"| {' | '.join([solver, *times, *tier, share])} |")
    lines += [f"\nSkipped: {solver}: {why}." for solver, why in cell["skipped"].items()]
    lines += [f"\nEnded: {solver}, {setting}: {why}." for solver, setting, why in cell["failed"]]
    return [*lines, ""]


def _passes(results: dict[str, Any]) -> list[str]:
    """Passes of steepest to 1e-9, bytes per second, and the share of the measured bandwidth."""
    lines = [
        "| cell | threads | passes | GB/s | of the bandwidth | proved gap | true error |",
        "|---|---|---|---|---|---|---|",
    ]
    for cell in results["cells"]:
        shot = best(cell, TARGETS[-1], ours=True)
        if shot is None or not shot["passes"]:
            continue
        speed = shot["passes"] * cell["input_bytes"] / shot["median"]
        share = speed / results["bandwidth"][str(cell["threads"])]
        gap = "none" if shot["gap"] is None else f"{shot['gap']:.1e}"
        shown = [cell["cell"], cell["threads"], shot["passes"], f"{speed / 1e9:.2f}", f"{share:.0%}", gap]
        lines.append(f"| {' | '.join(str(value) for value in shown)} | {shot['rel']:.1e} |")
    return lines if len(lines) > 2 else ["No fit of steepest reached 1e-9."]


def _cold(results: dict[str, Any]) -> list[str]:
    lines = ["| cell | solver | import beyond NumPy | first fit | sum |", "|---|---|---|---|---|"]
    for run in results["cold"]:
        if "import" not in run:
            lines.append(f"| {run['cell']} | {run['solver']} | {run.get('declined') or run.get('error')} | | |")
            continue
        times = (run["import"], run["first_fit"], run["import"] + run["first_fit"])
        lines.append(f"| {run['cell']} | {run['solver']} | {' | '.join(seconds(time) for time in times)} |")
    return lines if results["cold"] else ["Not measured."]


def markdown(results: dict[str, Any]) -> str:
    """The page."""
    about = results["machine"]
    speed = ", ".join(f"{value / 1e9:.1f} GB/s with {threads}" for threads, value in results["bandwidth"].items())
    packages = ", ".join(f"{name} {number}" for name, number in about["packages"].items())
    lines = [
        "# Benchmarks", "",
        *(["**A smoke run on small problems: the numbers mean nothing.**", ""] if results["quick"] else []),
        f"{about['cores']} cores ({about['architecture']}, {' '.join(about['vectors'])}), {about['memory_gb']} GiB, "
        f"{about['system']}, Python {about['python']}; memory read at {speed} threads. {packages}.", "",
        f"Medians of up to {results['repeats']} interleaved runs; ¹ run once, being far behind the best. "
        "How it is measured: `benchmarks/README.md`; everything: `results.json`.", "",
        "## Against the best peer", "", *_summary(results), "", "![ratios](ratios.svg)", "",
        "## Passes and memory bandwidth", "", *_passes(results), "",
        "## Cold start", "", *_cold(results), "", "## Every solver", "",
    ]  # fmt: skip
    for cell in results["cells"]:
        lines += _solvers(cell)
    return "\n".join(lines).rstrip() + "\n"


def plot(results: dict[str, Any], path: Path) -> None:
    """Ratios against the best peer, one row per cell, one mark per target, at the largest number of threads."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - the table needs no plot
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "steepest"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    most = max((cell["threads"] for cell in results["cells"]), default=1)
    cells = [cell for cell in results["cells"] if cell["threads"] == most][::-1]
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.42 * len(cells)))
    for offset, (target, marker) in enumerate(zip(TARGETS, "os^", strict=True)):
        points = [(ratio(cell, target), row) for row, cell in enumerate(cells)]
        shown = [(x, row + 0.2 * (1 - offset)) for x, row in points if 0.0 < x < math.inf]
        axes.plot([x for x, _ in shown], [y for _, y in shown], marker, label=f"to {target:.0e}")
    floors = [(cell["floor"], row) for row, cell in enumerate(cells) if cell["floor"]]
    axes.plot([x for x, _ in floors], [y for _, y in floors], "|", color="grey", markersize=16, label="floor")
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel=f"times as fast as the best peer, {most} threads", yticks=range(len(cells)))
    axes.set_yticklabels([cell["cell"] for cell in cells])
    axes.legend(loc="best", fontsize="small")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Write table and plot of a raw file again."""
    path = Path(sys.argv[1])
    results = json.loads(path.read_text())
    (path.parent / "README.md").write_text(markdown(results))
    plot(results, path.parent / "ratios.svg")


if __name__ == "__main__":
    main()
