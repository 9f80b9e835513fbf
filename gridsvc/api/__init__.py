"""The HTTP service: OGC API – Features, figures, chiefs and maps of one workspace."""

from gridsvc.api.app import create_app

__all__ = ["create_app"]
