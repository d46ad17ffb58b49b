#!/usr/bin/python3
"""Writes docs/reliability.md from build/campaign/*.json and test/campaign/notes.md."""
import json
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = pathlib.Path(os.environ.get("CAMPAIGN_OUT", ROOT / "build" / "campaign"))
HEAD = """# Reliability, measured

Written by `make campaign` from the JSON under `build/campaign/` and from `test/campaign/notes.md`;
do not edit. No finding in n runs bounds the rate of failure at 3/n (95 %). The load generator logs
each request, the fakes of the providers log each request as it came, in processes of their own; an
oracle joins both with what the server says afterwards.
"""


def number(value):
    """For people."""
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def section(record):
    """One campaign."""
    what = " ".join((record["what"] or "").split())
    lines = [f"### {record['campaign'].upper()}", "", what, ""]
    figures = ", ".join(f"{number(value)} {name.replace('_', ' ')}"
                        for name, value in record["figures"].items())
    if figures:
        lines += [f"Counted: {figures}.", ""]
    for name, sample in record["samples"].items():
        if sample:
            lines += [f"{name}: least {number(sample['min'])}, median {number(sample['p50'])}, "
                      f"p99 {number(sample['p99'])}, most {number(sample['max'])} "
                      f"(n = {number(sample['n'])}).", ""]
    for finding in record["first_findings"]:
        lines += [f"- {finding.splitlines()[0]}"]
    return lines + ([""] if record["first_findings"] else [])


def main():
    """The page."""
    records = [json.loads(path.read_text()) for path in sorted(OUT.glob("*.json"))]
    lines = [HEAD, "| campaign | n | findings | rate below | seed | date | minutes |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for one in records:
        bound = "-" if one["findings"] or not one["passed"] else f"{3 / one['passed']:.2g}"
        lines.append(f"| {one['campaign'].upper()} | {one['passed']:,} | {one['findings']} | {bound} "
                     f"| {one['seed']} | {one['date']} | {one['seconds'] / 60:.1f} |")
    machines = sorted({one["machine"] for one in records})
    lines += ["", f"On {'; '.join(machines)}.", ""]
    for one in records:
        lines += section(one)
    plants = OUT / "plants.list"
    if plants.exists():
        lines += ["## Planted bugs", "", "| bug | what | found by |", "| --- | --- | --- |"]
        for one in json.loads(plants.read_text()):
            found = f"`{one['run']}`" if one["caught"] else "nobody"
            lines.append(f"| {one['plant'].replace('_', ' ')} | {one['what']} | {found} |")
        lines.append("")
    notes = ROOT / "test" / "campaign" / "notes.md"
    if notes.exists():
        lines += [notes.read_text().rstrip()]
    (ROOT / "docs" / "reliability.md").write_text("\n".join(lines).rstrip() + "\n")


main()
