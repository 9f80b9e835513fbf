"""``gridsvc serve``: the HTTP service."""

from __future__ import annotations

import errno
import socket
from contextlib import nullcontext
from typing import Annotated

import typer

from gridsvc.cli.following import following
from gridsvc.cli.session import Session, command
from gridsvc.errors import UsageError
from gridsvc.text import bilingual

HOST, PORT = "127.0.0.1", 8000


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "serve")
    def serve(
        session: Session,
        host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for all.")] = HOST,
        port: Annotated[
            int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
        ] = PORT,
        follow: Annotated[
            bool, typer.Option("--follow", help="Compute again whenever something was loaded.")
        ] = False,
    ) -> None:
        """Serve the workspace: the county page for people, JSON and OGC API for machines."""
        import uvicorn

        from gridsvc.api import create_app

        application = create_app(session.workspace)
        listener = listen(host, port)
        taken = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        name = session.workspace.county.name
        told = bilingual(
            f"serving {name.en} at http://{shown}:{taken}/ (Ctrl+C ends it)",
            f"{name.zh}已上线：http://{shown}:{taken}/（按 Ctrl+C 停止）",
        )
        session.answer({"url": f"http://{shown}:{taken}/", "workspace": str(session.workspace.root)}, told)
        session.out.file.flush()
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", server_header=False))
        try:
            with following(session) if follow else nullcontext():
                server.run(sockets=[listener])
        except KeyboardInterrupt:
            session.note(bilingual("stopped", "已停止"))
        finally:
            listener.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; one clear sentence where the address cannot be had."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        return listener
    except OSError as error:
        if listener is not None:
            listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} of {host} is taken by another program; choose another: gridsvc serve --port {port + 1}",
                f"{host} 的端口 {port} 已被其他程序占用；请换一个：gridsvc serve --port {port + 1}",
            ) from error
        raise UsageError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            f"无法监听 {host} 端口 {port}：{error.strerror or error}",
        ) from error
