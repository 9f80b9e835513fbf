"""Maps: pages that carry everything they need, for every road chief and for the whole county."""

from gridsvc.maps.atlas import Atlas
from gridsvc.maps.findings_page import render_findings
from gridsvc.maps.links import FileLinks, Links, ServedLinks
from gridsvc.maps.render import put_page, render_chief, render_index, render_overview, write_all

__all__ = [
    "Atlas",
    "FileLinks",
    "Links",
    "ServedLinks",
    "put_page",
    "render_chief",
    "render_findings",
    "render_index",
    "render_overview",
    "write_all",
]
