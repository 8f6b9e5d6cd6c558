"""The page behind an unsubscribe link: Russian and English, no script, no request to anybody else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from aiohttp import web
from jinja2 import Environment, StrictUndefined

from connectors.http.problems import SERVER

STYLE: Final = (
    "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:32rem;margin:10vh auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}button{font:inherit;padding:.6rem 1.2rem;border:2px solid #0b57d0;"
    "border-radius:.4rem;background:#0b57d0;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:3px solid #f9ab00;outline-offset:2px}"
)
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Server": SERVER,
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Vary": "Accept-Language",
}
TEXTS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "ru": {
        "ask": ("Отписаться от рассылки", "Вы больше не будете получать: {what}. Нажмите кнопку."),
        "done": ("Вы отписались", "Вы больше не будете получать: {what}."),
        "lost": ("Ссылка не работает", "Откройте ссылку из письма ещё раз или измените настройки в профиле."),
        "button": ("Отписаться", ""),
    },
    "en": {
        "ask": ("Unsubscribe", "You will no longer receive: {what}. Press the button."),
        "done": ("You are unsubscribed", "You will no longer receive: {what}."),
        "lost": ("This link does not work", "Open the link in the mail again, or change your settings."),
        "button": ("Unsubscribe", ""),
    },
}
WHAT: Final = {
    "ru": {
        "all_marketing": "рекламные рассылки",
        "email": "письма",
        "sms": "сообщения на телефон",
        "push": "push-уведомления",
        "in_app": "уведомления в приложении",
    },
    "en": {
        "all_marketing": "marketing messages",
        "email": "e-mail",
        "sms": "text messages",
        "push": "push notifications",
        "in_app": "notifications in the app",
    },
}
PAGE: Final = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style|safe }}</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
<p>{{ text }}</p>
{% if button %}<form method="post"><button type="submit">{{ button }}</button></form>
{% endif %}</main>
</body>
</html>
"""
)


def language_of(accepted: str) -> str:
    """The first language of the header that there is a page in; Russian without one."""
    for part in accepted.split(","):
        language = part.partition(";")[0].strip().lower().partition("-")[0]
        if language in TEXTS:
            return language
    return "ru"


def page(state: str, channel: str, accepted: str, status: int = 200) -> web.Response:
    """The page of a state: `ask`, `done` or `lost`. The form posts to the address that it came from."""
    language = language_of(accepted)
    title, text = TEXTS[language][state]
    html = PAGE.render(
        language=language,
        title=title,
        text=text.format(what=WHAT[language].get(channel, "")),
        style=STYLE,
        button=TEXTS[language]["button"][0] if state == "ask" else "",
    )
    return web.Response(text=html, status=status, content_type="text/html", charset="utf-8", headers=HEADERS)
