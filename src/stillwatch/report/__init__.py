"""A case for people: one HTML file to read, print and send, and a summary for the terminal."""

from __future__ import annotations

from stillwatch.report.render import render_report
from stillwatch.report.summary import summary_json
from stillwatch.report.terminal import print_summary

__all__ = ["print_summary", "render_report", "summary_json"]
