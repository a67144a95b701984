"""What a browser shows: reports of runs."""

from neuropil.web.report import repeat_command, report_html, write_report

__all__ = ["repeat_command", "report_html", "write_report"]
