"""The application: one FastAPI object for one workspace."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.staticfiles import StaticFiles

from gridsvc import __version__
from gridsvc.api import (
    coverage,
    explain,
    features,
    indicators,
    landing,
    maps,
    openapi,
    operations,
    people,
    refusals,
    runs,
    schemas,
    units,
)
from gridsvc.api.headers import Headers
from gridsvc.api.service import Service
from gridsvc.settings import Workspace

ROUTERS = (landing, features, schemas, indicators, coverage, explain, runs, units, people, maps, operations)


def create_app(workspace: Workspace, *, cors_origins: Sequence[str] = ()) -> FastAPI:
    """The HTTP service of *workspace*: a FastAPI application that shares nothing with any other.

    *cors_origins*: origins whose scripts may read answers (``["*"]``: all); none by default. Raises
    DefinitionError for broken definitions. The store may be empty or absent; it is looked at anew by every
    request, so loads and runs of other processes are seen at once.
    """
    # our own documentation page takes the place of the one that loads its scripts from elsewhere
    app = FastAPI(title="gridsvc", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = Service(workspace)
    for room in ROUTERS:
        app.include_router(room.router)
    app.mount(landing.STATIC, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="static")
    refusals.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=6)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "HEAD"],
            allow_headers=["If-None-Match"],
            expose_headers=["ETag", "Content-Language"],
        )
    app.add_middleware(Headers)
    app.state.document = openapi.document(app, app.state.service.collections, workspace.county)
    return app
