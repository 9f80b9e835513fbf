"""Text in the two languages that people read: 中文 and English."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")


class Text(BaseModel):
    """One phrase in English and Chinese."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str
    zh: str

    def __call__(self, lang: str) -> str:
        """Return the phrase in *lang*; anything but ``zh`` reads English."""
        return self.zh if lang == "zh" else self.en

    def fill(self, **values: object) -> Text:
        """Return the phrase with ``{name}`` fields filled in, in both languages."""
        return Text(en=self.en.format(**values), zh=self.zh.format(**values))


def bilingual(en: str, zh: str) -> Text:
    """Make a :class:`Text`; the short form for messages in code."""
    return Text(en=en, zh=zh)


def environment_lang(default: Lang = "zh") -> Lang:
    """Language of the person at the terminal: ``GRIDSVC_LANG``, else the locale, else *default*."""
    for name in ("GRIDSVC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value.startswith("zh"):
            return "zh"
        if value.startswith("en"):
            return "en"
    return default
