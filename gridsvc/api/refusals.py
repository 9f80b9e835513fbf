"""Errors as answers: ``{"code", "description"}`` for clients, a plain page for people; never a traceback."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gridsvc.api.html import PAGE_POLICY, render
from gridsvc.api.models import Error
from gridsvc.api.view import HTML, JSON, VARY, NotModifiedError, View, language_of, service_of, wants_html
from gridsvc.errors import GridsvcError, UsageError, outcome
from gridsvc.text import Text, bilingual

log = logging.getLogger(__name__)

# what clients match on; the status says the same in a number
CODES = {
    400: "InvalidParameter",
    404: "NotFound",
    405: "MethodNotAllowed",
    422: "InputRefused",
    500: "InternalError",
    503: "Unavailable",
}
NO_ADDRESS = bilingual("there is nothing at this address; begin at /", "此地址没有内容；请从首页 / 开始")
NO_METHOD = bilingual("this address answers GET only", "此地址只支持 GET 请求")
FAULT = bilingual("gridsvc failed to answer; its log says why", "服务内部错误，详情见服务日志")


def install(app: FastAPI) -> None:
    """Make *app* answer errors in the service's own form."""
    app.add_exception_handler(GridsvcError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(NotModifiedError, _not_modified)
    app.add_exception_handler(Exception, _failed)


def _refused(request: Request, error: Exception) -> Response:
    error = cast(GridsvcError, error)
    status = outcome(error)[1]
    if status >= 500:
        log.error("%s: %s", request.url.path, error)
    return answer(request, status, error.text)


def _invalid(request: Request, error: Exception) -> Response:
    return _refused(request, explain(cast(RequestValidationError, error)))


def explain(error: RequestValidationError) -> UsageError:
    """FastAPI's findings as one sentence that names every parameter, its value and the fault."""
    faults = [(".".join(str(part) for part in fault["loc"][1:]), fault) for fault in error.errors()]
    en = "; ".join(f"{name}={fault.get('input')!s:.80}: {fault['msg']}" for name, fault in faults)
    zh = "；".join(f"参数 {name} 的值无效：{fault.get('input')!s:.80}" for name, fault in faults)
    return UsageError(en, zh)


def _http(request: Request, error: Exception) -> Response:
    error = cast(HTTPException, error)
    words = {404: NO_ADDRESS, 405: NO_METHOD}.get(error.status_code)
    phrase = words or bilingual(str(error.detail), f"请求无法处理（HTTP {error.status_code}）")
    return answer(request, error.status_code, phrase, dict(error.headers or {}))


def _not_modified(request: Request, error: Exception) -> Response:
    return Response(status_code=304, headers=cast(NotModifiedError, error).headers)


def _failed(request: Request, error: Exception) -> Response:
    return answer(request, 500, FAULT)


def answer(request: Request, status: int, text: Text, headers: dict[str, str] | None = None) -> Response:
    """An error as JSON, or as a page when a person asks."""
    lang = language_of(request)
    model = Error(code=CODES.get(status, HTTPStatus(status).name), description=text(lang))
    more = {"Cache-Control": "no-store", "Vary": VARY, "Content-Language": "zh-CN" if lang == "zh" else "en"}
    more |= headers or {}
    if not wants_html(request):
        return Response(model.model_dump_json(), status, more, JSON)
    view = View(request, service_of(request), lang, "html", "", {})
    page = render("error.html", view, it=model, status=status)
    return Response(page, status, more | {"Content-Security-Policy": PAGE_POLICY}, HTML)
